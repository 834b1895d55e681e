import t from 'tap'
import { CMCD_CHARS_MAX, CMCD_VALUE_CHARS_MAX, parseCmcd } from '../../src/wire/cmcd.ts'

const query = (text: string) => parseCmcd(`/cache/c/a.ts?CMCD=${encodeURIComponent(text)}`, [])

t.test('the data of a player in its query', async (t) => {
  t.strictSame(query('bl=21300,br=3200,bs,cid="faec",d=4004,mtp=25400,nor="b.m4s",ot=v,pr=1.08'), {
    ...{ bl: 21300, br: 3200, bs: true, cid: 'faec', d: 4004, mtp: 25400 },
    ...{ nor: 'b.m4s', ot: 'v', pr: 1.08 },
  })
  t.strictSame(parseCmcd('/cache/c?key=a&CMCD=su&x=1', []), { su: true })
})

t.test('headers, all four, over the query', async (t) => {
  t.strictSame(
    parseCmcd('/cache/c/a?CMCD=br%3D1', ['mtp=2', 'br=3,d=4', undefined, 'sid="s",v=1,st=l']),
    { br: 3, mtp: 2, d: 4, sid: 's', v: 1, st: 'l' },
  )
})

t.test('text may hold commas and escaped quotes', async (t) => {
  t.strictSame(query('sid="a,b=\\"c\\"",br=1'), { sid: 'a,b="c"', br: 1 })
})

t.test('what is unknown, malformed or too long is left out', async (t) => {
  for (const text of [
    'com.example-x=1',
    'br=1e3',
    'br',
    'br=-1',
    'br=1234567890123',
    'bs=false',
    'ot=VIDEO',
    'sid=unquoted',
    'sid=""',
    'pr=1.0.0',
    '__proto__=1,constructor="x"',
    `sid="${'x'.repeat(CMCD_VALUE_CHARS_MAX + 1)}"`,
    `br=1,${' '.repeat(CMCD_CHARS_MAX)}`,
    '',
    '"',
    ',,,=,',
  ]) {
    t.equal(query(text), undefined, text.slice(0, 40))
  }
  t.strictSame(query(`sid="${'x'.repeat(CMCD_VALUE_CHARS_MAX)}"`), {
    sid: 'x'.repeat(CMCD_VALUE_CHARS_MAX),
  })
  t.equal(parseCmcd('/cache/c/a?CMCD=%zz', []), undefined)
  t.equal(parseCmcd(`/cache/c/a?CMCD=${'%20'.repeat(CMCD_CHARS_MAX)}br`, []), undefined)
  t.equal(parseCmcd('/cache/c/CMCD=br', []), undefined)
})
