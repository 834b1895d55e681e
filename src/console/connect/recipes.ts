/** All recipes of the page Connect, in the order of a stream's way. Pure. */

import type { CdnFiles } from './cdn-template.ts'
import { cloudFrontRecipe, nginxRecipe, varnishRecipe } from './cdn-recipes.ts'
import type { ConnectTarget } from './connect-target.ts'
import { ffmpegRecipe, mediaLiveRecipe, obsRecipe, shakaRecipe } from './push-recipes.ts'
import type { Recipe } from './recipe.ts'
import { hlsJsRecipe, playerPageRecipe, vlcRecipe } from './watch-recipes.ts'

export interface RecipeGroup {
  readonly title: 'Push' | 'Deliver' | 'Watch'
  readonly recipes: readonly Recipe[]
}

/** @param files  `undefined` while they are loaded: no CDN's recipe then. */
export function buildRecipes(
  target: ConnectTarget,
  files: CdnFiles | undefined,
): readonly RecipeGroup[] {
  const push = [ffmpegRecipe, obsRecipe, mediaLiveRecipe, shakaRecipe]
  const deliver = [cloudFrontRecipe, varnishRecipe, nginxRecipe]
  const watch = [playerPageRecipe, vlcRecipe, hlsJsRecipe]
  return [
    { title: 'Push', recipes: push.map((build) => build(target)) },
    {
      title: 'Deliver',
      recipes: files === undefined ? [] : deliver.map((build) => build(target, files)),
    },
    { title: 'Watch', recipes: watch.map((build) => build(target)) },
  ]
}
