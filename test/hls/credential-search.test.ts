import t from 'tap'
import { containsCredential } from '../../src/hls/credential-search.ts'

const CREDENTIAL = 'key+with/odd==chars'

t.test('a credential is found in every form it may have', async (t) => {
  const encoded = encodeURIComponent(CREDENTIAL)
  const basic = (user: string): string => Buffer.from(`${user}:${CREDENTIAL}`).toString('base64')
  const texts = [
    `# ${CREDENTIAL}`,
    `a?token=${encoded}`,
    `a?token=${encoded.toLowerCase()}`,
    `a?token=${encodeURIComponent(encoded)}`,
    `a?token=%6Bey+with/odd==chars`,
    `a?token=key+with/\todd==chars`,
    `<BaseURL>a?token=key+with&#47;odd==chars</BaseURL>`,
    `<BaseURL>a?token=key+with\n/odd==chars</BaseURL>`,
    `<X>key%2Bwith&#x25;2Fodd==chars</X>`,
    Buffer.from(`<X>${CREDENTIAL}</X>`, 'utf16le').toString('latin1'),
    `#X:${basic('')}`,
    `#X:${basic('momento')}`,
    `#X:${basic('u2')}`,
    `#X:${basic('u').replaceAll('=', '')}`,
    `#X:${Buffer.from(`a:${CREDENTIAL}:b`).toString('base64url')}`,
  ]
  for (const text of texts) t.equal(containsCredential(text, CREDENTIAL), true, text)
})

t.test('and not where it is not', async (t) => {
  for (const text of [
    '',
    '#EXTM3U\na.ts',
    CREDENTIAL.slice(1),
    '%%%4',
    'a?token=%6Be',
    '<X>&</X>',
  ]) {
    t.equal(containsCredential(text, CREDENTIAL), false, text)
  }
  t.equal(containsCredential('anything', ''), false)
  t.equal(containsCredential(Buffer.from('short').toString('base64'), 'short'), false)
  const url = Buffer.from('~~~???~~~???').toString('base64url')
  t.equal(containsCredential(url, '~~~???~~~???'), true, 'the other alphabet')
})
