/** `headwater export`: the objects of a cache as a tar file. */

import { parseIsoTime, formatIsoTime } from '../base/dates.ts'
import { writeArchiveFile } from './archive/archive-file.ts'
import type { ArchiveEnd, ObjectMetadata } from './archive/archive-format.ts'
import { ArchiveWriter } from './archive/archive-writer.ts'
import type { WriteBytes } from './archive/archive-writer.ts'
import type { ListedObject, ObjectAnswer, ObjectClient } from './archive/object-client.ts'
import { Progress } from './archive/progress.ts'
import { TRANSFER_FLAGS, TRANSFER_USAGE, withObjects } from './archive/transfer-flags.ts'
import type { CliContext } from './cli-context.ts'
import { readCommandLine, usageError } from './command.ts'
import type { Command } from './command.ts'
import { writeJson } from './key-command.ts'
import { formatBytes } from './text-table.ts'

const USAGE = `Usage: headwater export --cache NAME [--prefix TEXT] [--output FILE|-]

Writes the objects of a cache, each with its key, type and remaining time to live, into a tar file
that headwater import takes. Needs a running server; objects that expire meanwhile are left out.

  --cache NAME           the cache
  --prefix TEXT          only objects whose key starts so
  --output FILE          where to; - is stdout, which is also meant without it
${TRANSFER_USAGE}
FILE is there when it is whole: until then it is FILE.partial, which the next export begins anew.
The playlists come last. Those of a channel that is live may name what came after the export.

Examples:
  headwater export --cache live-origin --output live.tar
  headwater export --cache live-origin --prefix vod/ | gzip > vod.tar.gz
`

export const exportCommand: Command = {
  summary: 'write the objects of a cache into a tar file',
  usage: USAGE,
  run: runExport,
}

interface Exported extends ArchiveEnd {
  /** Expired or deleted between the list and the download. */
  readonly goneCount: number
}

async function runExport(context: CliContext, argv: readonly string[]): Promise<number> {
  const flags = { ...TRANSFER_FLAGS, prefix: 'string', output: 'string' } as const
  const loaded = readCommandLine(context, { argv, own: flags })
  const { own } = loaded
  const output = own.output ?? '-'
  if (output === '-' && own.json === true) {
    throw usageError('--json and the archive cannot both go to stdout.', ['Add --output FILE.'])
  }
  if (output === '-' && context.stdout.isTTY === true) {
    throw usageError('An archive is not for a terminal.', [
      'Add --output FILE, or redirect stdout.',
    ])
  }
  return withObjects(context, loaded, async (objects) => {
    const progress = new Progress(context, 'exported')
    const write = (writeBytes: WriteBytes) =>
      exportObjects({ context, objects, progress, own, writeBytes })
    const exported =
      output === '-'
        ? await write(context.writeBytes)
        : await writeArchiveFile(context.cwd, output, write)
    const { objectCount, bodyBytes, goneCount } = exported
    const gone = goneCount === 0 ? '' : `; ${goneCount} expired meanwhile`
    progress.say(`Exported ${objectCount} objects, ${formatBytes(bodyBytes)}${gone}.`)
    if (own.json === true) writeJson(context, exported)
    return 0
  })
}

interface ExportWork {
  readonly context: CliContext
  readonly objects: ObjectClient
  readonly progress: Progress
  readonly own: { readonly cache?: string; readonly prefix?: string }
  readonly writeBytes: WriteBytes
}

/**
 * What names others comes after them, so that at an import no playlist names what is not there yet:
 * a look at the list for each rank, since a list in memory would have no bound.
 */
async function exportObjects(work: ExportWork): Promise<Exported> {
  const { context, own } = work
  const archive = new ArchiveWriter(work.writeBytes)
  const prefix = own.prefix ?? ''
  const exportedAt = formatIsoTime(context.clock.nowMs())
  await archive.begin({ cache: own.cache ?? '', prefix, exportedAt })
  let goneCount = 0
  for (const rank of [0, 1, 2]) {
    for await (const { keyBase64Url, kind } of listAll(work.objects, prefix)) {
      if (rankOf(kind) !== rank) continue
      const answer = await work.objects.download(keyBase64Url)
      if (answer === undefined) {
        goneCount += 1
        continue
      }
      await archive.add(metadataOf(keyBase64Url, answer), answer.body)
      work.progress.add(answer.body.length)
    }
  }
  return { ...(await archive.end()), goneCount }
}

async function* listAll(objects: ObjectClient, prefix: string): AsyncGenerator<ListedObject> {
  let after: string | undefined
  do {
    const page = await objects.list(prefix, after)
    yield* page.objects
    after = page.nextAfter ?? undefined
  } while (after !== undefined)
}

function rankOf(kind: string): number {
  if (kind === 'multivariant') return 2
  return kind === 'media' || kind === 'manifest' ? 1 : 0
}

/** By the head of its download, which is of the same moment as the bytes. */
function metadataOf(key: string, { headers }: ObjectAnswer): Omit<ObjectMetadata, 'sha256'> {
  const header = (name: string) => {
    const value = headers[name]
    return typeof value === 'string' ? value : ''
  }
  const expiresAt = header('x-headwater-expires-at')
  const isKnown = parseIsoTime(expiresAt) !== undefined
  if (!isKnown) throw usageError('The server is too old for this command: update it.')
  return {
    key,
    contentType: header('content-type'),
    contentEncoding: header('content-encoding'),
    ttlSeconds: Number(header('x-headwater-ttl-seconds-left')),
    expiresAt,
    storedAt: header('x-headwater-stored-at'),
    etag: header('etag'),
  }
}
