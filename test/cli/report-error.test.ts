import t from 'tap'
import { HeadwaterError } from '../../src/base/errors.ts'
import { formatError, reportError } from '../../src/cli/report-error.ts'

function report(error: unknown, json = false) {
  let out = ''
  let err = ''
  const exitCode = reportError({
    error,
    json,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  })
  return { exitCode, out, err }
}

t.test('an error of ours: the sentence, then what to do, no stack', async (t) => {
  const error = new HeadwaterError('HW_DATA_DIR_LOCKED', 'It is in use.', {
    detail: 'Stop it.\nOr not.',
  })
  t.strictSame(report(error), {
    exitCode: 1,
    out: '',
    err: 'HW_DATA_DIR_LOCKED: It is in use.\n  Stop it.\n  Or not.\n',
  })
  t.equal(report(new HeadwaterError('HW_CLI_USAGE', 'No.')).exitCode, 2)
})

t.test('names that are not there: the command that lists them', async (t) => {
  t.match(report(new HeadwaterError('HW_KEY_NOT_FOUND', 'No.')).err, 'headwater key list shows')
  const { out } = report(new HeadwaterError('HW_CACHE_NOT_FOUND', 'No.'), true)
  t.match(JSON.parse(out), { error: { detail: 'headwater cache list shows the names.' } })
  const error = new HeadwaterError('HW_KEY_NOT_FOUND', 'No.', { detail: 'Its own.' })
  t.match(report(error).err, '  Its own.\n')
})

t.test('--json: one document', async (t) => {
  const { out } = report(new HeadwaterError('HW_CLI_USAGE', 'No.', { detail: 'Yes.' }), true)
  t.strictSame(JSON.parse(out), { error: { code: 'HW_CLI_USAGE', message: 'No.', detail: 'Yes.' } })
})

t.test('a fault of ours is called a bug, with its stack and without credentials', async (t) => {
  const { exitCode, err } = report(new TypeError('x of http://a/?token=secret-token'))
  t.equal(exitCode, 1)
  t.match(err, /^HW_INTERNAL: This is a bug in Headwater/)
  t.match(err, 'at ')
  t.notMatch(err, 'secret-token')
  t.match(report('a string').err, 'a string')
  t.match(report(new HeadwaterError('HW_INTERNAL', 'settings do not fit')).err, 'This is a bug')
})

t.test('a terminal gets wrapped lines; a stack keeps its own', async (t) => {
  const detail = `${'word '.repeat(30).trim()}\n    at somewhere`
  const text = formatError({ code: 'HW_X', message: 'M.', detail }, 60)
  for (const line of text.split('\n')) t.ok(line.length <= 60)
  t.match(text, /^ {6}at somewhere$/m)
})
