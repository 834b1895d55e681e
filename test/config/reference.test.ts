import t from 'tap'
import { Value } from 'typebox/value'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { configurationMarkdown, envExample } from '../../src/config/reference.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { settingsHelp, wrapText } from '../../src/config/settings-help.ts'
import { SETTINGS } from '../../src/config/settings.ts'

t.test('every setting is in every reference', async (t) => {
  const [markdown, example, help] = [configurationMarkdown(), envExample(), settingsHelp()]
  for (const { path, envName, flagNames } of SETTINGS) {
    t.ok(markdown.includes(`| \`${path}\` |`), path)
    t.ok(markdown.includes(`\`${envName}\``), envName)
    t.ok(example.includes(`#${envName}=`), envName)
    for (const name of flagNames) t.ok(help.includes(`--${name}`), name)
  }
  t.match(help, 'HEADWATER_AUTH_SIGNING_KEY or HEADWATER_AUTH_SIGNING_KEY_FILE')
})

t.test('.env.example, uncommented, gives the defaults', async (t) => {
  const env = Object.fromEntries(
    [...envExample().matchAll(/^#(HEADWATER_\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  ) as Record<string, string>
  t.strictSame(resolveConfig({ env }).config, resolveConfig({}).config)
})

t.test('the schema for editors takes what start takes', async (t) => {
  const schema = configJsonSchema()
  const accepts = (value: unknown) => Value.Check(schema, value)
  t.ok(accepts({}))
  t.ok(accepts(resolveConfig({}).config))
  t.ok(accepts({ $schema: './x.json', http: { port: 1 }, caches: { items: [{ name: 'a' }] } }))
  t.notOk(accepts({ http: { prot: 1 } }))
  t.notOk(accepts({ http: { port: 70_000 } }))
  t.ok(accepts({ storage: { kind: 'disk' } }))
  t.notOk(accepts({ caches: { items: [{}] } }))
  t.notOk(accepts({ caches: { items: [{ name: 'a', nmae: 'b' }] } }))
  t.notMatch(JSON.stringify(schema), '"x-')
})

t.test('help is wrapped at its width', async (t) => {
  for (const columns of [80, 96]) {
    const text = settingsHelp(columns)
    const long = text.split('\n').filter((line) => line.length > columns)
    t.strictSame(long, [])
  }
})

t.test('a word longer than the width stands alone', async (t) => {
  t.strictSame(wrapText('a bb cccccccc d', 4), ['a bb', 'cccccccc', 'd'])
  t.strictSame(wrapText('', 4), [''])
})
