/** The rules of delivery and of connections, tested once more on origins that have the express lane. */

// Read by `test/support/origin.ts` when it is loaded, which is below.
process.env['HEADWATER_TEST_EXPRESS_LANE'] = 'true'

await import('../http/connections.test.ts')
await import('../http/delivery.test.ts')
await import('../http/hold.test.ts')
await import('../http/item-stream.test.ts')
await import('../http/pipelining.test.ts')
await import('../http/stopping.test.ts')
