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

t.test('kill -9 in the middle of a segment: what was announced is whole or absent', async (t) => {
  const origin = await openOrigin(t)
  const base = `${origin.dataPlaneUrl}/cache/live-origin`
  const headers = { authorization: origin.keys.player }
  const encoder = startFfmpeg(lowLatencyDash(base, origin.keys.encoder))
  t.teardown(() => encoder.process.kill('SIGKILL'))

  const seen = new Map<string, Buffer>()
  const readAll = async () => {
    for (let number = 1; number <= 6; number++) {
      for (const stream of ['0', '1']) {
        const name = `chunk-stream${stream}-${String(number).padStart(5, '0')}.m4s`
        const answer = await http(`${base}/${name}`, { headers })
        if (answer.status !== 200) continue
        if (!isWholeBoxes(answer.body)) t.fail(`${name} was served torn`)
        const before = seen.get(name)
        if (before !== undefined && !before.equals(answer.body)) t.fail(`${name} has changed`)
        seen.set(name, answer.body)
      }
    }
    const manifest = await http(`${base}/manifest.mpd`, { headers })
    if (manifest.status === 200 && !/<\/MPD>\s*$/.test(manifest.text)) t.fail('a torn manifest')
  }
  // Two segments are complete; the third is on its way when the encoder dies.
  while (!seen.has('chunk-stream0-00002.m4s') && encoder.process.exitCode === null) await readAll()
  const thirdIsOpen = () => !seen.has('chunk-stream0-00003.m4s')
  for (let turn = 0; turn < 10 && thirdIsOpen(); turn++) await readAll()
  t.ok(thirdIsOpen(), 'the third segment is not complete yet')
  encoder.process.kill('SIGKILL')
  await encoder.finished
  for (let turn = 0; turn < 10; turn++) await readAll()

  t.equal((await http(`${base}/chunk-stream0-00003.m4s`, { headers })).status, 404)
  t.equal((await http(`${base}/chunk-stream1-00003.m4s`, { headers })).status, 404)
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
