// A call by janode (npm): one handle publishes what the test offers, another subscribes to it. Lines of JSON go to and fro.
import assert from 'node:assert';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const modules = process.env.NODE_PATH;
const { default: Janode } = await import(`${modules}/janode/src/janode.js`);
const { default: VideoRoom } = await import(`${modules}/janode/src/plugins/videoroom-plugin.js`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => JSON.parse((await lines.next()).value);
const say = message => console.log(JSON.stringify(message));

const room = 8020;
const connection = await Janode.connect({ is_admin: false, address: { url: process.env.SERVER } });
const info = await connection.getInfo();
assert.equal(info.janus, 'server_info');
assert.ok(info.plugins['janus.plugin.videoroom']);
const session = await connection.create();
const manager = await session.attach(VideoRoom);
const created = await manager.create({ room, description: 'by janode', max_publishers: 3, secret: 'hush', audiocodec: 'opus' });
assert.equal(created.room, room);
assert.equal((await manager.exists({ room })).exists, true);
assert.ok((await manager.list()).list.some(r => r.room === room && r.description === 'by janode'));
await assert.rejects(manager.create({ room }), /427/);

const publisher = await session.attach(VideoRoom);
const joined = await publisher.joinPublisher({ room, feed: 1, display: 'ada' });
assert.deepEqual([joined.feed, joined.display, joined.publishers], [1, 'ada', []]);
const observer = await session.attach(VideoRoom);
const seen = once(observer, VideoRoom.EVENT.VIDEOROOM_PUB_LIST);
await observer.joinPublisher({ room, feed: 2, display: 'bob' });
const up = once(publisher, Janode.EVENT.HANDLE_WEBRTCUP);
const media = once(publisher, Janode.EVENT.HANDLE_MEDIA);
const configured = await publisher.configure({ audio: true, video: false, jsep: { type: 'offer', sdp: (await hear()).offer } });
assert.deepEqual([configured.configured, configured.jsep.type], ['ok', 'answer']);
say({ answer: configured.jsep.sdp });
await up;
const [{ type, receiving }] = await media;
assert.deepEqual([type, receiving], ['audio', true]);
const [{ publishers }] = await seen;
assert.deepEqual([publishers[0].feed, publishers[0].display, publishers[0].streams[0].codec], [1, 'ada', 'opus']);

const subscriber = await session.attach(VideoRoom);
const attached = await subscriber.joinSubscriber({ room, streams: [{ feed: 1, mid: publishers[0].streams[0].mid }] });
assert.equal(attached.jsep.type, 'offer');
say({ offer: attached.jsep.sdp });
const watching = once(subscriber, Janode.EVENT.HANDLE_WEBRTCUP);
const started = await subscriber.start({ jsep: { type: 'answer', sdp: (await hear()).answer } });
assert.equal(started.started, 'ok');
await watching;
say({ watching: true });
assert.ok((await hear()).heard);

const { participants } = await manager.listParticipants({ room });
assert.deepEqual(participants.map(p => [p.feed, p.display, p.publisher]).sort(), [[1, 'ada', true], [2, 'bob', false]]);
assert.equal((await subscriber.pause()).paused, 'ok');
await subscriber.start({});
await manager.kick({ room, feed: 2, secret: 'hush' });
const unpublished = await publisher.unpublish();
assert.equal(unpublished.unpublished ?? unpublished.feed, unpublished.unpublished ? 'ok' : 1);
assert.equal((await publisher.leave()).feed, 1);
await assert.rejects(manager.destroy({ room, secret: 'wrong' }), /433/);
await manager.destroy({ room, secret: 'hush' });
assert.equal((await manager.exists({ room })).exists, false);
await session.destroy();
await connection.close();
say({ done: true });
process.exit(0);
