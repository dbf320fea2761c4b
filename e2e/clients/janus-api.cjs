// The same by janus-api (npm, TechTeamer). Its own listener joins as Janus 0.x had it, and Janus 1.x refuses that.
const assert = require('node:assert')
const { createInterface } = require('node:readline')
const {
  Janus, JanusConfig, JanusPlugin, JanusRoomConfig, VideoRoomPublisherJanusPlugin, VideoRoomListenerJanusPlugin
} = require('@techteamer/janus-api')

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const hear = async () => JSON.parse((await lines.next()).value)
const say = message => console.log(JSON.stringify(message))
const logger = { debug () {}, info: console.error, warn: console.error, error: console.error, verbose () {} }

class Subscriber extends JanusPlugin {
  constructor () {
    super(logger)
    this.pluginName = 'janus.plugin.videoroom'
  }

  async ask (body, jsep) {
    return this.transaction('message', jsep ? { body, jsep } : { body }, 'event')
  }
}

async function main () {
  const janus = new Janus(new JanusConfig({ url: process.env.SERVER, keepAliveIntervalMs: 5000, options: {} }), logger)
  await janus.connect()
  const room = new JanusRoomConfig({ id: 'by janus-api', codec: 'vp8,h264', record: false, bitrate: 500000, publishers: 3, firSeconds: 10 })
  const publisher = new VideoRoomPublisherJanusPlugin(room, 'ada', logger)
  await janus.addPlugin(publisher)
  assert.deepEqual(await publisher.connect(), [])
  const up = new Promise(resolve => publisher.on('webrtcState', resolve))
  const answer = await publisher.configure({ type: 'offer', sdp: (await hear()).offer })
  say({ answer: answer.sdp ?? answer.jsep.sdp })
  await up
  await publisher.setRoomBitrate(400000)

  const second = new VideoRoomPublisherJanusPlugin(room, 'bob', logger)
  await janus.addPlugin(second)
  const publishers = await second.connect()
  assert.deepEqual(publishers.map(p => p.display), ['ada'])
  const listener = new VideoRoomListenerJanusPlugin('by janus-api', second.janusRoomId, second.janusRoomPrivateMemberId, publishers[0].id, logger)
  await janus.addPlugin(listener)
  await assert.rejects(listener.join(), refused => refused.data.error_code === 430)
  const subscriber = new Subscriber()
  await janus.addPlugin(subscriber)
  const { json: { jsep: offer } } = await subscriber.ask({ request: 'join', ptype: 'subscriber', room: second.janusRoomId, feed: publishers[0].id })
  assert.equal(offer.type, 'offer')
  say({ offer: offer.sdp })
  const { data } = await subscriber.ask({ request: 'start' }, { type: 'answer', sdp: (await hear()).answer })
  assert.equal(data.started, 'ok')
  say({ watching: true })
  assert.ok((await hear()).heard)
  await janus.destroy()
  say({ done: true })
  process.exit(0)
}
main().catch(err => { console.error(err); process.exit(1) })
