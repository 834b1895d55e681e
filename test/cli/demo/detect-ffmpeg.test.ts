import t from 'tap'
import { detectFfmpeg, probeInput } from '../../../src/cli/demo/detect-ffmpeg.ts'
import type { RunCommand } from '../../../src/cli/demo/detect-ffmpeg.ts'

const encoders = ' V....D libx264              libx264 H.264\n A....D aac                  AAC\n'
const muxer = '-http_persistent -ignore_io_errors -master_pl_publish_rate -var_stream_map'

/** An ffmpeg that prints this and whose drawtext works with `fontFile` alone. */
function fakeFfmpeg(options: {
  version?: string
  encoders?: string
  muxer?: string
  fontFile?: string
}): RunCommand {
  return (_command, args) => {
    const answer = (exitCode: number, stdout = '') =>
      Promise.resolve({ exitCode, stdout, stderr: '' })
    if (args.includes('-version')) return answer(0, options.version ?? 'ffmpeg version 7.1.5 Copy')
    if (args.includes('-encoders')) return answer(0, options.encoders ?? encoders)
    if (args.includes('muxer=hls')) return answer(0, options.muxer ?? muxer)
    const filter = args[args.indexOf('-vf') + 1] ?? ''
    const fontFile = /fontfile='([^']*)'/.exec(filter)?.[1]?.replace('\\:', ':') ?? ''
    return answer(fontFile === options.fontFile ? 0 : 1)
  }
}

t.test('a complete ffmpeg', async (t) => {
  t.same(await detectFfmpeg({ run: fakeFfmpeg({ fontFile: '' }) }), {
    found: true,
    version: '7.1.5',
    hasLibx264: true,
    hasAac: true,
    hasHlsPush: true,
    hasDrawtext: true,
    clockFontFile: '',
  })
})

t.test('a font is looked for where systems keep them', async (t) => {
  const run = fakeFfmpeg({ fontFile: 'C:/Windows/Fonts/arial.ttf' })
  t.match(await detectFfmpeg({ run }), {
    hasDrawtext: true,
    clockFontFile: 'C:/Windows/Fonts/arial.ttf',
  })
})

t.test('what is lacking is told', async (t) => {
  t.match(await detectFfmpeg({ run: fakeFfmpeg({ fontFile: 'nowhere' }) }), {
    hasDrawtext: false,
    clockFontFile: undefined,
  })
  t.match(await detectFfmpeg({ run: fakeFfmpeg({ encoders: ' V....D libx265 \n' }) }), {
    hasLibx264: false,
    hasAac: false,
  })
  t.match(await detectFfmpeg({ run: fakeFfmpeg({ muxer: '-hls_time' }) }), { hasHlsPush: false })
  t.match(await detectFfmpeg({ run: fakeFfmpeg({ version: 'something else' }) }), { found: false })
})

t.test('no ffmpeg is an answer, not an error', async (t) => {
  t.match(await detectFfmpeg({ command: '/nowhere/ffmpeg' }), { found: false, version: '' })
})

t.test('a command that runs is really run', async (t) => {
  // Node is no ffmpeg: it runs, and its answer is not one.
  t.match(await detectFfmpeg({ command: process.execPath }), { found: false })
})

t.test('an input is probed for picture and sound', async (t) => {
  const video = 'Stream #0:0[0x1](und): Video: h264 (Main)'
  const audio = 'Stream #0:1[0x2](und): Audio: aac (LC)'
  const rows: [stderr: string, expected: { hasAudio: boolean } | string][] = [
    [`${video}\n${audio}\nAt least one output file must be specified`, { hasAudio: true }],
    [`${video}\nAt least one output file must be specified`, { hasAudio: false }],
    [audio, 'a.mp4: the file has no video'],
    ['x\na.mp4: No such file or directory\n', 'a.mp4: No such file or directory'],
  ]
  for (const [stderr, expected] of rows) {
    const run: RunCommand = () => Promise.resolve({ exitCode: 1, stdout: '', stderr })
    t.same(await probeInput('a.mp4', { run }), expected)
  }
})
