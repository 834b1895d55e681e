/** The scenarios, each with the address by which a player meets it on a channel of this origin. */

import { useEffect, useState } from 'preact/hooks'
import type { ChannelView, PlayToken } from '../api/api-types.ts'
import type { ScenarioView } from '../api/rig-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { useResource } from '../app/use-resource.ts'
import { toMediaBase } from '../channels/media-url.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { SelectField } from '../ui/field.tsx'
import { Card, ErrorBanner, Loading } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { scenarioPlayUrl, scenarioUrl } from './fault-words.ts'
import type { ScenarioAddress } from './fault-words.ts'

const REFRESH_MS = 10_000
/** Tokens are good for an hour: the addresses on the page always are. */
const RENEW_MS = 30 * 60_000

export function Scenarios() {
  const { data, error } = useResource<{ readonly scenarios: readonly ScenarioView[] }>(
    '/api/scenarios',
    { refreshMs: REFRESH_MS },
  )
  const channels = useResource<{ readonly channels: readonly ChannelView[] }>('/api/channels', {
    refreshMs: REFRESH_MS,
    refreshOn: ['channel'],
  })
  const [chosen, setChosen] = useState('')
  const all = channels.data?.channels ?? []
  const channel = all.find((each) => nameOf(each) === chosen) ?? all[0]
  const token = useToken(channel?.cacheName)
  return (
    <Card title="Scenarios">
      {channel === undefined ? (
        <p class="quiet">
          With the first channel its addresses stand here:{' '}
          <code>/rig/&lt;scenario&gt;/cache/&lt;cache&gt;/&lt;key&gt;</code>
        </p>
      ) : (
        <SelectField
          label="Channel"
          value={nameOf(channel)}
          choices={all.map((each) => ({ value: nameOf(each), label: nameOf(each) }))}
          onValue={setChosen}
          hint="The addresses hold a token that reads its cache for an hour. Put ~ and a name behind the scenario (flaky-404~player-2) for a run of its own."
        />
      )}
      <ErrorBanner error={error ?? token.error} />
      {data === undefined ? (
        error === undefined && <Loading what="the scenarios" />
      ) : (
        <ScenarioTable scenarios={data.scenarios} channel={channel} token={token.text} />
      )}
    </Card>
  )
}

function ScenarioTable(props: {
  readonly scenarios: readonly ScenarioView[]
  readonly channel: ChannelView | undefined
  readonly token: string
}) {
  const { server } = useConsole()
  const { scenarios, channel, token } = props
  const mediaBase = toMediaBase(server.dataPlaneUrl, location.href)
  const addressOf = (scenario: string): ScenarioAddress | undefined =>
    channel === undefined || token === ''
      ? undefined
      : { mediaBase, scenario, cacheName: channel.cacheName, key: channel.key, token }
  return (
    <Table
      caption="Scenarios"
      rows={scenarios}
      rowKey={({ name }) => name}
      columns={[
        {
          title: 'Scenario',
          isName: true,
          cell: ({ name, isShipped }) => (
            <>
              {name}
              {!isShipped && <small>added</small>}
            </>
          ),
        },
        { title: 'What goes wrong', cell: ({ description }) => description },
        {
          title: 'For a player',
          cell: ({ name }) => {
            const address = addressOf(name)
            if (address === undefined) return <span class="quiet">no channel</span>
            return (
              <span class="scenario-links">
                <CopyButton text={scenarioUrl(address)} label={`the address of ${name}`} />
                <a href={scenarioPlayUrl(address)} target="_blank" rel="noreferrer">
                  Play<span class="visually-hidden"> {name}, in a new tab</span>
                </a>
              </span>
            )
          },
        },
      ]}
    />
  )
}

function nameOf({ cacheName, key }: ChannelView): string {
  return `${cacheName}/${key}`
}

/** One for the cache, renewed in time; '' until it is there. */
function useToken(cacheName: string | undefined): {
  readonly text: string
  readonly error: unknown
} {
  const { api } = useConsole()
  const [made, setMade] = useState<{ readonly text: string; readonly error: unknown }>({
    text: '',
    error: undefined,
  })
  useEffect(() => {
    if (cacheName === undefined) return undefined
    const make = async () => {
      try {
        const body = { cache: cacheName }
        const { token } = await api.request<PlayToken>('/api/play-token', { method: 'POST', body })
        setMade({ text: token, error: undefined })
      } catch (error) {
        setMade({ text: '', error })
      }
    }
    void make()
    const timer = setInterval(() => void make(), RENEW_MS)
    return () => clearInterval(timer)
  }, [api, cacheName])
  return made
}
