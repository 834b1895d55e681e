import t from 'tap'
import { parseCertificateTime } from '../../src/base/dates.ts'

t.test('times as certificates have them', async (t) => {
  t.equal(parseCertificateTime('Jan  1 00:00:00 2120 GMT'), Date.UTC(2120, 0, 1))
  t.equal(parseCertificateTime('Nov 21 10:11:13 2036 GMT'), Date.UTC(2036, 10, 21, 10, 11, 13))
  for (const text of ['', 'Nov 21 10:11:13 2036', 'Nox 21 10:11:13 2036 GMT', '2036-11-21']) {
    t.equal(parseCertificateTime(text), undefined, text)
  }
})
