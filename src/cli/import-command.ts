/** `headwater import`: the objects of an archive into a cache. */

import { createHash } from 'node:crypto'
import { parseIsoTime } from '../base/dates.ts'
import { formatItemKey } from '../base/names.ts'
import { toPlainText } from '../base/plain-text.ts'
import { readArchiveFile } from './archive/archive-file.ts'
import { readArchive } from './archive/archive-reader.ts'
import type { ArchivedObject } from './archive/archive-reader.ts'
import type { ObjectClient } from './archive/object-client.ts'
import { Progress } from './archive/progress.ts'
import { TRANSFER_FLAGS, TRANSFER_USAGE, withObjects } from './archive/transfer-flags.ts'
import type { CliContext } from './cli-context.ts'
import { readCommandLine, usageError } from './command.ts'
import type { Command } from './command.ts'
import { writeJson } from './key-command.ts'
import { EXIT_FAILURE } from './report-error.ts'
import { formatBytes } from './text-table.ts'

const USAGE = `Usage: headwater import FILE|- --cache NAME

Puts the objects of an archive of headwater export into a cache, by the rules of an upload. Needs a
running server. What is there already with the same bytes is left alone, so that an import that was
broken off is simply run again.

  --cache NAME           the cache; it must exist
  --ttl-seconds N        time to live of every object; without it what was left at the export
  --keep-expiry          each object ends when it would have ended; what has ended is left out
${TRANSFER_USAGE}
Exit code 1 when the server refused an object; the others are imported.

Examples:
  headwater cache create tests && headwater import live.tar --cache tests --ttl-seconds 86400
  gunzip -c vod.tar.gz | headwater import - --cache live-origin
`

/** Refusals that are told one by one; the others are counted. */
const REFUSALS_SHOWN_MAX = 20

export const importCommand: Command = {
  summary: 'put the objects of such a file into a cache',
  usage: USAGE,
  run: runImport,
}

interface Imported {
  importedCount: number
  importedBytes: number
  /** There before, with the same bytes. */
  unchangedCount: number
  expiredCount: number
  /** Kept as it is by the server: a playlist that is older than the one there. */
  ignoredCount: number
  refusedCount: number
}

async function runImport(context: CliContext, argv: readonly string[]): Promise<number> {
  const flags = { ...TRANSFER_FLAGS, 'ttl-seconds': 'string', 'keep-expiry': 'boolean' } as const
  const words = ['FILE']
  const loaded = readCommandLine(context, { argv, own: flags, words })
  const { own, positionals } = loaded
  const [file = ''] = positionals
  const ttlSeconds = readTtlSeconds(own['ttl-seconds'])
  if (ttlSeconds !== undefined && own['keep-expiry'] === true) {
    throw usageError('--ttl-seconds and --keep-expiry exclude each other.')
  }
  return withObjects(context, loaded, async (objects) => {
    const chunks = file === '-' ? context.stdin : readArchiveFile(context.cwd, file)
    const progress = new Progress(context, 'imported')
    const work = { context, objects, progress, ttlSeconds, keepExpiry: own['keep-expiry'] === true }
    const imported: Imported = {
      ...{ importedCount: 0, importedBytes: 0, unchangedCount: 0 },
      ...{ expiredCount: 0, ignoredCount: 0, refusedCount: 0 },
    }
    try {
      for await (const object of readArchive(chunks)) await importObject(work, object, imported)
    } finally {
      // Also before an error: what was done is done.
      progress.say(summaryOf(imported))
    }
    if (own.json === true) writeJson(context, imported)
    return imported.refusedCount === 0 ? 0 : EXIT_FAILURE
  })
}

interface ImportWork {
  readonly context: CliContext
  readonly objects: ObjectClient
  readonly progress: Progress
  readonly ttlSeconds: number | undefined
  readonly keepExpiry: boolean
}

async function importObject(
  work: ImportWork,
  { metadata, key, body }: ArchivedObject,
  imported: Imported,
): Promise<void> {
  const { context, objects, progress } = work
  const leftSeconds = Math.ceil(
    ((parseIsoTime(metadata.expiresAt) ?? 0) - context.clock.nowMs()) / 1000,
  )
  if (work.keepExpiry && leftSeconds < 1) {
    imported.expiredCount += 1
    return
  }
  const sha256 = metadata.sha256
  if (await isThere(objects, { keyBase64Url: metadata.key, sizeBytes: body.length, sha256 })) {
    imported.unchangedCount += 1
    return
  }
  const outcome = await objects.upload({
    keyBase64Url: metadata.key,
    ttlSeconds: work.ttlSeconds ?? (work.keepExpiry ? leftSeconds : metadata.ttlSeconds),
    contentType: metadata.contentType,
    contentEncoding: metadata.contentEncoding,
    body,
  })
  if (outcome === 'stored') {
    imported.importedCount += 1
    imported.importedBytes += body.length
    progress.add(body.length)
  } else if (outcome === 'ignored') {
    imported.ignoredCount += 1
  } else {
    imported.refusedCount += 1
    if (imported.refusedCount > REFUSALS_SHOWN_MAX) return
    progress.say(`refused: ${toPlainText(formatItemKey(key), 200)}: ${outcome.reason}`)
  }
}

/** The bytes themselves are compared: an ETag names a version on one origin, not a content. */
async function isThere(
  objects: ObjectClient,
  archived: { readonly keyBase64Url: string; readonly sizeBytes: number; readonly sha256: string },
): Promise<boolean> {
  const head = await objects.look(archived.keyBase64Url)
  if (Number(head?.headers['content-length']) !== archived.sizeBytes) return false
  const answer = await objects.download(archived.keyBase64Url)
  if (answer === undefined) return false
  return createHash('sha256').update(answer.body).digest('hex') === archived.sha256
}

function readTtlSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw usageError(`--ttl-seconds ${JSON.stringify(text)} is no number of seconds from 1 on.`)
}

function summaryOf(imported: Imported): string {
  const { importedCount, importedBytes, unchangedCount } = imported
  const others = [
    [unchangedCount, 'were there already'],
    [imported.expiredCount, 'have expired'],
    [imported.ignoredCount, 'are older than what is there'],
    [imported.refusedCount, 'were refused'],
  ] as const
  const more = others.filter(([count]) => count > 0).map(([count, what]) => `; ${count} ${what}`)
  return `Imported ${importedCount} objects, ${formatBytes(importedBytes)}${more.join('')}.`
}
