import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ADMIN_PATHS } from '../../../src/http/admin/route-table.ts'
import { readOpenApi } from '../../support/admin-api.ts'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'

t.test('every route says what it is for, what it takes and what it answers', async (t) => {
  const document = await readOpenApi(await openOrigin(t))
  t.equal(document.openapi, '3.1.0')
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = `${method.toUpperCase()} ${path}`
      t.ok(operation.summary, `${name} has a summary`)
      t.ok(operation.description, `${name} has a description`)
      const parameters = (operation.parameters ?? []).filter((one) => one.in === 'path')
      t.strictSame(
        parameters.map((one) => `{${one.name}}`).sort(),
        [...path.matchAll(/\{[^}]+\}/g)].map(([text]) => text).sort(),
        `${name} declares the parameters of its path`,
      )
      const answers = Object.entries(operation.responses)
      t.ok(answers.some(([status]) => status.startsWith('2')))
      for (const [status, { description, content }] of answers) {
        t.not(description, 'Default Response', `${name} ${status} is described`)
        if (status === '204') continue
        const schemas = Object.values(content ?? {}).map(({ schema }) => schema)
        t.ok(schemas.length === 1 && schemas[0] !== undefined, `${name} ${status} has a schema`)
      }
    }
  }
})

t.test('routes, table and document are the same', async (t) => {
  const document = await readOpenApi(await openOrigin(t))
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const listed = ADMIN_PATHS.map(({ method, path }) => `${method} ${path}`)
  t.strictSame(described.sort(), listed.sort())
})

t.test('docs/openapi.json is what the server serves (npm run docs)', async (t) => {
  const origin = await openOrigin(t)
  const { text } = await http(`${origin.adminUrl}/api/openapi.json`, {
    headers: { authorization: origin.keys.superUser },
  })
  const path = join(import.meta.dirname, '../../../docs/openapi.json')
  t.strictSame(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(text))
})

t.test('answers are closed: what a schema does not name would be found', async (t) => {
  const { paths } = await readOpenApi(await openOrigin(t))
  const open: string[] = []
  const visit = (schema: unknown, where: string): void => {
    if (typeof schema !== 'object' || schema === null) return
    if ('properties' in schema && !('additionalProperties' in schema)) open.push(where)
    for (const [name, value] of Object.entries(schema)) visit(value, `${where}/${name}`)
  }
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(operations)) {
      visit(responses, `${method} ${path}`)
    }
  }
  t.strictSame(
    open.filter((where) => !where.startsWith('get /api/openapi.json')),
    [],
  )
})
