/** How players read: the built-in page, VLC and its like, hls.js. Pure. */

import { formatCommand } from '../../base/lines/ffmpeg-command.ts'
import { playPageUrl, playlistUrl, playlistUrlWithToken } from './connect-target.ts'
import type { ConnectTarget } from './connect-target.ts'
import type { Recipe } from './recipe.ts'

export function playerPageRecipe(target: ConnectTarget): Recipe {
  const href = playPageUrl(target)
  return {
    name: 'page',
    title: 'Player page',
    parts: [
      {
        kind: 'words',
        text: 'The origin’s own page, for phones and for colleagues. It shows latency and buffer. The key is behind the #, which no browser sends.',
      },
      { kind: 'lines', title: 'Address', text: href },
      { kind: 'link', text: 'Open the player page', href },
    ],
  }
}

export function vlcRecipe(target: ConnectTarget): Recipe {
  const url = playlistUrlWithToken(target)
  return {
    name: 'vlc',
    title: 'VLC and others',
    parts: [
      {
        kind: 'words',
        text: 'One address is enough for a player that can send no header: who reads a playlist by ?token= finds the same token on every URI in it.',
      },
      { kind: 'lines', title: 'Media, Open Network Stream; also Safari, a <video>', text: url },
      {
        kind: 'lines',
        title: 'From a terminal',
        text: [
          formatCommand(target.shell, 'vlc', [[url]]),
          formatCommand(target.shell, 'ffplay', [[url]]),
        ].join('\n'),
      },
    ],
  }
}

export function hlsJsRecipe(target: ConnectTarget): Recipe {
  return {
    name: 'hls-js',
    title: 'hls.js',
    parts: [
      {
        kind: 'words',
        text: 'The key goes into a header, so the playlists stay the same for all viewers. Every page may read: CORS is open. Do not publish a page with this key: ask for a disposable token for each viewer, or let a CDN add the key.',
      },
      {
        kind: 'lines',
        title: 'With the header',
        text: page(
          `new Hls({
    xhrSetup: (xhr) => xhr.setRequestHeader('Authorization', ${toScript(target.playerKey)}),
  })`,
          playlistUrl(target),
        ),
      },
      {
        kind: 'lines',
        title: 'With the token in the address',
        text: page('new Hls()', playlistUrlWithToken(target)),
      },
    ],
  }
}

function page(player: string, url: string): string {
  return `<video id="video" controls muted autoplay playsinline></video>
<script type="module">
  import Hls from 'hls.js'
  const hls = ${player}
  hls.loadSource(${toScript(url)})
  hls.attachMedia(document.getElementById('video'))
</script>`
}

/** A string in a script in a page: no quote and no `</script>` ends it. */
function toScript(text: string): string {
  return JSON.stringify(text).replaceAll('<', '\\u003c')
}
