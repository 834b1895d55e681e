/** A real encoder killed in mid-upload: no reader ever gets a part for the whole. */

import t from 'tap'
import { startFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

/** Low-latency DASH: each segment is one upload that stays open for as long as the segment lasts. */
function lowLatencyDash(base: string, apiKey: string): readonly string[] {
  return [
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...['-g', '60', '-keyint_min', '60', '-sc_threshold', '0', '-b:v', '300k'],
    ...['-c:a', 'aac', '-b:a', '96k', '-t', '60', '-f', 'dash', '-seg_duration', '2'],
    ...['-ldash', '1', '-streaming', '1', '-use_timeline', '0', '-use_template', '1'],
    ...['-frag_type', 'duration', '-frag_duration', '0.2', '-window_size', '6'],
    ...['-method', 'PUT', '-http_persistent', '1', '-timeout', '10', '-ignore_io_errors', '1'],
    ...['-http_opts', `headers=Authorization\\: ${apiKey}`],
    `${base}/manifest.mpd`,
  ]
}

/** Whether bytes are whole ISO-BMFF boxes up to the last byte: what was cut is not. */
function isWholeBoxes(bytes: Buffer): boolean {
  let offset = 0
  while (offset + 8 <= bytes.length) {
    const sizeBytes = bytes.readUInt32BE(offset)
    if (sizeBytes < 8) return false
    offset += sizeBytes
  }
  return offset === bytes.length && offset > 0
}

/** Frames of video in a segment: one sample table run for each fragment of 0.2 s. */
function fragmentCount(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf('moof'); at >= 0; at = bytes.indexOf('moof', at + 4)) count++
  return count
}

/** Whether a read is not answered yet after a moment. */
async function isPending(reading: Promise<unknown>): Promise<boolean> {
  const moment = new Promise<'pending'>((resolve) => setTimeout(() => resolve('pending'), 20))
  return (await Promise.race([reading, moment])) === 'pending'
}

t.test('kill -9 in the middle of a segment: what was announced is whole or absent', async (t) => {
  const origin = await openOrigin(t)
  const base = `${origin.dataPlaneUrl}/cache/live-origin`
  const headers = { authorization: origin.keys.player }
  const encoder = startFfmpeg(lowLatencyDash(base, origin.keys.encoder))
  t.teardown(() => encoder.process.kill('SIGKILL'))

  const seen = new Map<string, Buffer>()
  /** `whole` needs a length: what is read while it is written has none, and may not end cleanly. */
  const read = async (name: string): Promise<'whole' | 'streamed' | 'absent' | 'cut'> => {
    try {
      const answer = await http(`${base}/${name}`, { headers })
      if (answer.status !== 200) return 'absent'
      if (!isWholeBoxes(answer.body)) t.fail(`${name} was served torn`)
      const before = seen.get(name)
      if (before !== undefined && !before.equals(answer.body)) t.fail(`${name} has changed`)
      seen.set(name, answer.body)
      return answer.headers['content-length'] === undefined ? 'streamed' : 'whole'
    } catch {
      // Ignored: the connection was cut, as it has to be when the encoder dies.
      return 'cut'
    }
  }
  const isRunning = () => encoder.process.exitCode === null
  while ((await read('chunk-stream0-00002.m4s')) !== 'whole' && isRunning()) {
    const manifest = await http(`${base}/manifest.mpd`, { headers })
    if (manifest.status === 200 && !/<\/MPD>\s*$/.test(manifest.text)) t.fail('a torn manifest')
  }
  await read('chunk-stream0-00001.m4s')
  // The third is on its way, and read as it comes, when the encoder dies.
  let third = read('chunk-stream0-00003.m4s')
  while (!(await isPending(third)) && isRunning()) third = read('chunk-stream0-00003.m4s')
  encoder.process.kill('SIGKILL')
  await encoder.finished
  t.match(await third, /^(?:cut|absent)$/)

  for (const stream of ['0', '1']) {
    t.equal(await read(`chunk-stream${stream}-00003.m4s`), 'absent')
  }
  for (const number of ['00001', '00002']) {
    const video = seen.get(`chunk-stream0-${number}.m4s`) ?? Buffer.alloc(0)
    t.ok(isWholeBoxes(video))
    t.ok(fragmentCount(video) >= 9, 'all fragments of the segment')
  }
})

t.test('kill -9 while a name is overwritten: the old object stays', async (t) => {
  const origin = await openOrigin(t)
  const base = `${origin.dataPlaneUrl}/cache/live-origin`
  const headers = { authorization: origin.keys.encoder }
  const old = Buffer.alloc(50_000, 7)
  for (const stream of ['0', '1']) {
    const url = `${base}/chunk-stream${stream}-00001.m4s`
    t.equal((await http(url, { method: 'PUT', headers, body: old })).status, 204)
  }
  const encoder = startFfmpeg(lowLatencyDash(base, origin.keys.encoder))
  t.teardown(() => encoder.process.kill('SIGKILL'))
  const initUrl = `${base}/init-stream0.m4s`
  while ((await http(initUrl, { headers })).status !== 200 && encoder.process.exitCode === null) {
    // Asked again: the init section comes with the first fragment.
  }
  encoder.process.kill('SIGKILL')
  await encoder.finished
  for (const stream of ['0', '1']) {
    const kept = await http(`${base}/chunk-stream${stream}-00001.m4s`, { headers })
    t.ok(kept.body.equals(old), `stream ${stream}`)
  }
})
