/** Connect: what to paste into encoders, CDNs and players, filled with this server's address and keys. */

import { useEffect, useMemo, useState } from 'preact/hooks'
import type { CommandShell } from '../../base/lines/ffmpeg-command.ts'
import { useConsole } from '../app/console-context.tsx'
import type { PageProps } from '../app/pages.ts'
import { routeHref } from '../app/route.ts'
import { useCaches } from '../app/use-caches.ts'
import { SelectField, TextField } from '../ui/field.tsx'
import { Icon } from '../ui/icons.tsx'
import { Card, Empty, ErrorBanner, Loading, PageHead } from '../ui/parts.tsx'
import type { CdnFiles } from './cdn-template.ts'
import {
  ENCODER_KEY,
  PLAYER_KEY,
  checkKeyPrefix,
  guessShell,
  parseAddress,
  parseKey,
  toKeyPrefix,
} from './connect-target.ts'
import type { ConnectTarget } from './connect-target.ts'
import { KeyField, NO_KEY } from './key-field.tsx'
import type { KeyChoice } from './key-field.tsx'
import { RecipeView } from './recipe-view.tsx'
import { buildRecipes } from './recipes.ts'
import type { RecipeGroup } from './recipes.ts'

/** `#/connect`, `#/connect/<program>?cache=<name>`. */
export function ConnectPage({ route }: PageProps) {
  const { data, error, reload } = useCaches()
  const names = data?.caches.map(({ name }) => name)
  return (
    <>
      <PageHead
        title="Connect"
        lead="What to paste into encoders, CDNs and players, with this server’s address, the cache and the keys in it."
      />
      <ErrorBanner error={error} onRetry={() => void reload()} />
      {names === undefined ? (
        error === undefined && <Loading what="the caches" />
      ) : names.length === 0 ? (
        <Empty title="There is no cache to connect to" icon="caches">
          <a href={routeHref('caches')}>Create a cache</a>
        </Empty>
      ) : (
        <Recipes route={route} names={names} />
      )}
    </>
  )
}

function Recipes({ route, names }: PageProps & { readonly names: readonly string[] }) {
  const form = useTargetForm(names, route.query.get('cache') ?? '')
  const { groups, isLoading } = useRecipes(form.target)
  const recipes = groups.flatMap((group) => group.recipes)
  const chosen = route.rest[0] ?? 'ffmpeg'
  const recipe = recipes.find(({ name }) => name === chosen)
  return (
    <>
      <TargetForm form={form} names={names} />
      {form.hasKey && (
        <div class="banner banner-wait">
          <Icon name="warning" />
          <p>
            The lines hold a key: who reads them may do what it allows. Shells keep what is pasted
            in their history, and other users of a machine see it in the list of processes.
          </p>
        </div>
      )}
      <div class="connect">
        <RecipeNav groups={groups} chosen={chosen} cacheName={form.target.cacheName} />
        {recipe === undefined ? (
          isLoading ? (
            <Loading what="the files" />
          ) : (
            <Empty title={`There is nothing for “${chosen}” here.`} icon="connect" />
          )
        ) : (
          <RecipeView recipe={recipe} />
        )}
      </div>
    </>
  )
}

function RecipeNav(props: {
  readonly groups: readonly RecipeGroup[]
  readonly chosen: string
  readonly cacheName: string
}) {
  return (
    <nav class="connect-nav" aria-label="Programs">
      {props.groups.map((group) => (
        <div key={group.title}>
          <h2>{group.title}</h2>
          <ul>
            {group.recipes.map(({ name, title }) => (
              <li key={name}>
                <a
                  href={routeHref('connect', [name], { cache: props.cacheName })}
                  aria-current={name === props.chosen ? 'page' : undefined}
                >
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  )
}

/** CDN files come by themselves: few need them. */
function useRecipes(target: ConnectTarget) {
  const [files, setFiles] = useState<CdnFiles>()
  useEffect(() => {
    let isHere = true
    const load = async () => {
      const { CDN_FILES } = await import('./cdn-files.ts')
      if (isHere) setFiles(CDN_FILES)
    }
    // Ignored: the server is away; the other recipes are there.
    void load().catch(() => undefined)
    return () => {
      isHere = false
    }
  }, [])
  const groups = useMemo(() => buildRecipes(target, files), [JSON.stringify(target), files])
  return { groups, isLoading: files === undefined }
}

/** What the fields hold, and the target that comes of it. */
function useTargetForm(names: readonly string[], wanted: string) {
  const { server } = useConsole()
  const [cacheName, setCacheName] = useState(wanted)
  const [address, setAddress] = useState(server.dataPlaneUrl)
  const [keyPrefix, setKeyPrefix] = useState('')
  const [shell, setShell] = useState<CommandShell>(() => guessShell(navigator.platform))
  const [encoder, setEncoder] = useState<KeyChoice>(NO_KEY)
  const [player, setPlayer] = useState<KeyChoice>(NO_KEY)
  const shown = names.includes(cacheName) ? cacheName : (names[0] ?? '')
  const chooseCache = (name: string) => {
    setCacheName(name)
    // A key that was made here is for the cache it was made for.
    if (encoder.made !== undefined) setEncoder(NO_KEY)
    if (player.made !== undefined) setPlayer(NO_KEY)
  }
  useEffect(() => {
    if (wanted !== '' && wanted !== cacheName) chooseCache(wanted)
  }, [wanted])
  const prefixProblem = checkKeyPrefix(keyPrefix)
  const target: ConnectTarget = {
    shell,
    dataPlaneUrl: parseAddress(address) ?? server.dataPlaneUrl.replace(/\/+$/, ''),
    cacheName: shown,
    keyPrefix: prefixProblem === '' ? toKeyPrefix(keyPrefix) : '',
    encoderKey: parseKey(encoder.text) ?? ENCODER_KEY,
    playerKey: parseKey(player.text) ?? PLAYER_KEY,
  }
  return {
    ...{ target, address, setAddress, keyPrefix, setKeyPrefix, prefixProblem, chooseCache },
    ...{ shell, setShell, encoder, setEncoder, player, setPlayer },
    isAddressWrong: parseAddress(address) === undefined,
    hasKey: target.encoderKey !== ENCODER_KEY || target.playerKey !== PLAYER_KEY,
  }
}

function TargetForm(props: {
  readonly form: ReturnType<typeof useTargetForm>
  readonly names: readonly string[]
}) {
  const { form, names } = props
  const { cacheName } = form.target
  return (
    <Card title="What goes into the lines">
      <div class="connect-form">
        <SelectField
          label="Cache"
          value={cacheName}
          choices={names.map((name) => ({ value: name, label: name }))}
          onValue={form.chooseCache}
        />
        <TextField
          label="Folder"
          value={form.keyPrefix}
          onValue={form.setKeyPrefix}
          error={form.prefixProblem}
          hint="Before every name, as studio-1/: several channels in one cache."
        />
        <TextField
          label="Address of the origin"
          value={form.address}
          onValue={form.setAddress}
          error={form.isAddressWrong ? 'An http or https address.' : ''}
          hint="As the other side reaches it."
        />
        <SelectField
          label="Shell"
          value={form.shell}
          choices={[
            { value: 'bash', label: 'bash, zsh' },
            { value: 'powershell', label: 'PowerShell' },
            { value: 'cmd', label: 'cmd' },
          ]}
          onValue={form.setShell}
        />
        <KeyField
          label="Encoder key"
          hint="Paste one, or make one. Without, ENCODER_KEY stands for it."
          role="readwrite"
          cacheName={cacheName}
          choice={form.encoder}
          onChoice={form.setEncoder}
        />
        <KeyField
          label="Player key"
          hint="Paste one, or make one. Without, PLAYER_KEY stands for it."
          role="readonly"
          cacheName={cacheName}
          choice={form.player}
          onChoice={form.setPlayer}
        />
      </div>
    </Card>
  )
}
