/** The test rig: what goes wrong for everybody, the scenarios with their addresses, what was done. */

import type { FaultEventView, FaultInForce, FaultList } from '../api/rig-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { useAction } from '../app/use-action.ts'
import { useServerNow } from '../app/use-now.ts'
import { useResource } from '../app/use-resource.ts'
import { formatAgo, formatCount } from '../ui/format-figures.ts'
import { Badge, Card, Empty, ErrorBanner, Loading, PageHead } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { endsWords, lastEvents, matchWords } from './fault-words.ts'
import { Scenarios } from './scenarios.tsx'

const REFRESH_MS = 3000

/** `#/rig` */
export function RigPage() {
  const { server, session } = useConsole()
  const isShown = server.rigEnabled === true && session.superUser
  return (
    <>
      <PageHead
        title="Test rig"
        lead="What goes wrong on purpose: for everybody, or for who asks by a scenario."
      />
      {isShown ? (
        <>
          <FaultsForEverybody />
          <Scenarios />
          <WhatWasDone />
        </>
      ) : (
        <NoRig />
      )}
    </>
  )
}

function NoRig() {
  const { server } = useConsole()
  if (server.rigEnabled === true) {
    return <Empty title="Faults and scenarios are for super-users" icon="rig" />
  }
  return (
    <Empty title="This server is no test rig" icon="rig">
      <p>
        Start it with <code>--profile rig</code>, or with <code>--rig-enabled</code>, where nobody
        watches.
      </p>
    </Empty>
  )
}

function FaultsForEverybody() {
  const { data, error, reload } = useResource<FaultList>('/api/faults', {
    refreshMs: REFRESH_MS,
    refreshOn: ['faults'],
  })
  return (
    <Card title="Faults for everybody">
      <ErrorBanner error={error} onRetry={() => void reload()} />
      {data === undefined ? (
        error === undefined && <Loading what="the faults" />
      ) : data.faults.length === 0 ? (
        <Empty title="No fault is on">
          <p>
            <code>headwater fault add status --status-code 503 --kind segment</code> adds one, for
            an hour at most unless it says otherwise.
          </p>
        </Empty>
      ) : (
        <FaultTable faults={data.faults} onEnded={reload} />
      )}
    </Card>
  )
}

function FaultTable(props: {
  readonly faults: readonly FaultInForce[]
  readonly onEnded: () => Promise<void>
}) {
  const { api } = useConsole()
  const end = useAction(async (id: string) => {
    await api.request(`/api/faults/${encodeURIComponent(id)}`, { method: 'DELETE' })
    await props.onEnded()
  })
  return (
    <>
      <ErrorBanner error={end.error} />
      <Table
        caption="Faults for everybody"
        rows={props.faults}
        rowKey={({ id }) => id}
        columns={[
          { title: 'Fault', isName: true, cell: ({ id }) => id },
          { title: 'Does', cell: ({ fault }) => fault.action },
          {
            title: 'To',
            cell: ({ fault }) => {
              const words = matchWords(fault.match)
              return words === '' ? <span class="quiet">all</span> : <code>{words}</code>
            },
          },
          {
            title: 'Hits',
            isFigure: true,
            cell: ({ appliedCount, matchedCount, isSpent }) => (
              <>
                {formatCount(appliedCount)} of {formatCount(matchedCount)}
                {isSpent && <small>has done all it may</small>}
              </>
            ),
          },
          { title: 'Ends in', isFigure: true, cell: endsWords },
          {
            title: 'End it',
            cell: ({ id }) => (
              <button
                type="button"
                class="copy"
                disabled={end.isRunning}
                onClick={() => void end.run(id)}
              >
                End<span class="visually-hidden"> {id}</span>
              </button>
            ),
          },
        ]}
      />
    </>
  )
}

function WhatWasDone() {
  const { data, error } = useResource<{ readonly events: readonly FaultEventView[] }>(
    '/api/faults/events',
    { refreshMs: REFRESH_MS, refreshOn: ['faults'] },
  )
  const nowMs = useServerNow(1000)
  const events = lastEvents(data?.events ?? [])
  return (
    <Card title="What was done">
      <ErrorBanner error={error} />
      {data === undefined ? (
        error === undefined && <Loading what="the events" />
      ) : events.length === 0 ? (
        <p class="quiet">No request was faulted since the start or the last reset.</p>
      ) : (
        <Table
          caption="The last faulted requests, newest first"
          rows={events}
          rowKey={({ number }) => String(number)}
          columns={[
            { title: 'When', isName: true, cell: ({ at }) => formatAgo(at, nowMs) },
            {
              title: 'By',
              cell: ({ scenario, faultId }) => (
                <>
                  {faultId}
                  <small>{scenario === '' ? 'for everybody' : scenario}</small>
                </>
              ),
            },
            { title: 'Done', cell: ({ action }) => <Badge tone="wait">{action}</Badge> },
            { title: 'To', cell: ({ operation }) => operation },
            { title: 'Object', cell: ({ cache, key }) => <code>{`${cache}/${key}`}</code> },
          ]}
        />
      )}
    </Card>
  )
}
