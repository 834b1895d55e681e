import t from 'tap'
import { HeadwaterContainer } from '../src/testcontainers.ts'

/** What will be copied into the container. */
class Looked extends HeadwaterContainer {
  get contents() {
    return this.contentsToCopy
  }
  get ports() {
    return this.exposedPorts
  }
  get image() {
    return this.imageName.string
  }
}

t.test('the settings are one file, the last ones', (t) => {
  const container = new Looked()
    .withSettings({ profile: 'dev' })
    .withCopyContentToContainer([{ content: 'mine', target: '/etc/mine' }])
    .withSettings({ profile: 'rig', rig: { enabled: true } })
  t.same(container.contents, [
    { content: 'mine', target: '/etc/mine' },
    {
      content: '{"profile":"rig","rig":{"enabled":true}}',
      target: '/etc/headwater/headwater.config.json',
      mode: 0o644,
    },
  ])
  t.end()
})

t.test('both ports are exposed, of the image that was named', (t) => {
  t.same(new Looked().ports, [8080, 8081])
  t.equal(new Looked().image, 'headwater:latest')
  t.equal(new Looked('registry.example/headwater:1').image, 'registry.example/headwater:1')
  t.end()
})
