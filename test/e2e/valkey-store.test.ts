import t from 'tap'
import { storeConformance } from '../storage/store-conformance.ts'
import { connectTo, startValkeyServer } from '../support/valkey-server.ts'
import { openTestStore } from '../support/valkey-store.ts'

// One server for all of it: each store begins with an empty database.
const server = await startValkeyServer(t)
const direct = connectTo(t, server)

t.test('a store on one server conforms', async (t) => {
  storeConformance(
    t,
    async ({ clock, sizeBytesMax }) => {
      await direct.flushall()
      const { url } = server
      const { store } = await openTestStore({ url, clock, sizeBytesMax, isEngineClock: true })
      return store
    },
    { pins: false },
  )
})
