/** docker/kubernetes: names of settings, ports and probes, held against the program. */

import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/cli/load-config.ts'
import { settingsByPath } from '../../src/config/settings.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

const FOLDER = new URL('../../docker/kubernetes/', import.meta.url)

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

interface Container {
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly startupProbe: Probe
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly securityContext: Readonly<Record<string, unknown>>
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data: Readonly<Record<string, string>>
  readonly stringData: Readonly<Record<string, string>>
  readonly spec: {
    readonly strategy: { readonly rollingUpdate: Readonly<Record<string, number>> }
    readonly selector: Readonly<Record<string, unknown>>
    readonly ports: readonly { readonly targetPort: string }[]
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: {
        readonly terminationGracePeriodSeconds: number
        readonly securityContext: Readonly<Record<string, unknown>>
        readonly containers: readonly [Container]
        readonly volumes: readonly {
          readonly name: string
          readonly configMap?: { readonly name: string }
          readonly secret?: { readonly secretName: string }
        }[]
      }
    }
  }
}

const read = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8')
// The shapes that the tests below look at; a missing part fails them.
const manifests = parseAllDocuments(read('origin.yaml')).map((one) => one.toJS() as Manifest)
const secret = parse(read('secret.example.yaml')) as Manifest
const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind)
const [configMap] = ofKind('ConfigMap')
const pod = ofKind('Deployment')[0]?.spec.template.spec
const container = pod?.containers[0]

/** As the image sets it, and with the secrets that the manifests give it. */
function load(t: Test, signingKey: string) {
  const text = configMap?.data['headwater.config.json'] ?? ''
  const cwd = t.testdir({
    'headwater.config.json': text,
    secrets: { ...secret.stringData, 'signing-key': signingKey },
  })
  const env = Object.fromEntries(
    (container?.env ?? []).map(({ name, value }) => [
      name,
      value.replace('/run/secrets/headwater', `${cwd}/secrets`),
    ]),
  )
  return loadConfig({ argv: [], env, cwd, own: {} })
}

t.test('the settings are settings, and valid', async (t) => {
  const names = new Set([...settingsByPath.values()].map(({ envFileName }) => envFileName))
  for (const { name } of container?.env ?? []) t.ok(names.has(name), name)
  t.throws(() => load(t, secret.stringData['signing-key'] ?? ''), 'the example is no secret')
  const { config, warnings } = load(t, 's'.repeat(48))
  t.strictSame(warnings, [])
  t.equal(config.storage.kind, 'valkey')
  t.match(config.storage.valkey.url, /^valkey:/)
  const { shutdownDelaySeconds, shutdownSeconds } = config.http
  t.equal(pod?.terminationGracePeriodSeconds, shutdownDelaySeconds + shutdownSeconds + 5)
  const ports = Object.fromEntries(
    (container?.ports ?? []).map(({ name, containerPort }) => [name, containerPort]),
  )
  t.strictSame(ports, { http: config.http.port, admin: config.admin.port })
})

t.test('probes ask for routes that are there', async (t) => {
  const origin = await openOrigin(t)
  for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
    const { path, port } = container?.[name].httpGet ?? { path: '', port: '' }
    t.equal((await http(`${origin.dataPlaneUrl}${path}`)).status, 200, name)
    t.equal(port, 'http')
  }
  t.equal(container?.readinessProbe.httpGet.path, '/health/ready')
  t.equal(container?.livenessProbe.httpGet.path, '/health/live')
})

t.test('what names something names what is there', async (t) => {
  const labels = ofKind('Deployment')[0]?.spec.template.metadata.labels
  const ports = new Set(container?.ports.map(({ name }) => name))
  t.equal(ofKind('Service').length, 2)
  for (const { spec } of ofKind('Service')) {
    t.strictSame(spec.selector, labels)
    t.ok(spec.ports.every(({ targetPort }) => ports.has(targetPort)))
  }
  t.strictSame(ofKind('PodDisruptionBudget')[0]?.spec.selector['matchLabels'], labels)
  const volumes = new Set(pod?.volumes.map(({ name }) => name))
  t.strictSame(new Set(container?.volumeMounts.map(({ name }) => name)), volumes)
  t.equal(
    pod?.volumes.find(({ configMap }) => configMap)?.configMap?.name,
    configMap?.metadata.name,
  )
  t.equal(pod?.volumes.find((one) => one.secret)?.secret?.secretName, secret.metadata.name)
  for (const { name, value } of container?.env ?? []) {
    t.ok(Object.hasOwn(secret.stringData, value.split('/').at(-1) ?? ''), name)
  }
})

t.test('no root, nothing to write but the data directory, no pod too few', async (t) => {
  t.match(pod?.securityContext, { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 })
  t.match(container?.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  const rolling = ofKind('Deployment')[0]?.spec.strategy.rollingUpdate
  t.strictSame(rolling, { maxSurge: 1, maxUnavailable: 0 })
  const dockerfile = readFileSync(new URL('../../Dockerfile', FOLDER), 'utf8')
  for (const { name, mountPath } of container?.volumeMounts ?? []) {
    if (name !== 'secrets') t.ok(dockerfile.includes(mountPath), `the image looks at ${mountPath}`)
  }
})
