// A VideoRoom as one participant sees it: one RTCPeerConnection sends what is ours, another receives everything of
// the others.

import { Session } from './session.js';

const plugin = 'janus.plugin.videoroom';

export class Room {
  #session;
  #publisher; // handle
  #subscriber; // handle, once there is something to receive
  #outbound = new RTCPeerConnection();
  #sent = new Map(); // track of ours → its transceiver
  #inbound = new RTCPeerConnection();
  #feeds = new Map(); // feed id → {id, display}
  #sources = new Map(); // mid of ours → {feed, mid}
  #subscriptions = Promise.resolve(); // one change at a time
  #negotiation = Promise.resolve();
  #id;
  #privateID;
  #ended = false;

  /** onstream({feed, name, mid, kind, track}), onstreamend({feed, mid}), onleave(feed), onend(error?) */
  constructor(callbacks) {
    Object.assign(this, callbacks);
  }

  async join(url, { room, name, pin }) {
    this.#id = room;
    this.#session = await Session.open(url);
    this.#session.onend = (err) => this.#closed(err);
    this.#session.onconnection = (up) => this.onconnection?.(up);
    this.#publisher = await this.#session.attach(plugin, (m) => this.#heardAsPublisher(m));
    const { data } = await this.#publisher.message({ request: 'join', ptype: 'publisher', room, display: name, ...(pin && { pin }) });
    this.#privateID = data.private_id;
    tend(this.#outbound, this.#publisher);
    this.#meet(data.publishers);
    return data;
  }

  /** Sends tracks from now on, until stop(). */
  async publish(...tracks) {
    this.#send(tracks);
    try {
      if (tracks.length) await this.#negotiate();
    } catch (err) {
      for (const track of tracks) this.#forget(track);
      throw err;
    }
  }

  async stop(track) {
    this.#forget(track);
    await this.#negotiate();
  }

  #send(tracks) {
    for (const track of tracks) this.#sent.set(track, this.#outbound.addTransceiver(track, { direction: 'sendonly' }));
  }

  #forget(track) {
    this.#sent.get(track)?.stop();
    this.#sent.delete(track);
  }

  // The node that took what is ours is gone: another is to take it, on a new connection. It may take a moment to be found.
  async #republish() {
    if (this.#ended) return;
    this.#outbound.close();
    this.#outbound = new RTCPeerConnection();
    tend(this.#outbound, this.#publisher);
    this.#send([...this.#sent.keys()]);
    if (!this.#sent.size) return;
    for (let tries = 1; !this.#ended; tries++) {
      try {
        return await this.#negotiate();
      } catch (err) {
        console.warn('publish again:', err.message);
        if (tries === 10) return this.#closed(new Error('The connection for your camera and microphone was lost.'));
        await new Promise((done) => setTimeout(done, 2000));
      }
    }
  }

  #negotiate() {
    return (this.#negotiation = this.#negotiation.catch(() => {}).then(async () => {
      await this.#outbound.setLocalDescription();
      try {
        const { jsep } = await this.#publisher.message({ request: 'configure' }, describe(this.#outbound.localDescription));
        await this.#outbound.setRemoteDescription(jsep);
      } catch (err) {
        if (this.#outbound.signalingState === 'have-local-offer') await this.#outbound.setLocalDescription({ type: 'rollback' });
        throw err;
      }
    }));
  }

  #heardAsPublisher({ janus, plugindata, reason }) {
    const data = plugindata?.data;
    if (janus === 'hangup') {
      console.info('publisher hung up:', reason);
      this.#republish();
    }
    if (!data) return;
    if (data.videoroom === 'destroyed') this.#closed(new Error('The room was closed.'));
    if (data.reason === 'kicked') this.#closed(new Error('You were removed from the room.'));
    this.#meet(data.publishers);
    for (const gone of [data.leaving, data.unpublished, data.kicked]) {
      if (gone !== undefined && gone !== 'ok') this.#part(gone);
    }
  }

  // A feed comes with all of its streams each time that something about it changes.
  #meet(publishers = []) {
    for (const feed of publishers) {
      if (feed.dummy) continue;
      this.#feeds.set(feed.id, feed);
      this.#change(() => {
        const live = feed.streams.filter((s) => !s.disabled && s.type !== 'data');
        const have = [...this.#sources.values()].filter((s) => s.feed === feed.id);
        return {
          subscribe: live.filter((s) => !have.some((h) => h.mid === s.mid)).map((s) => ({ feed: feed.id, mid: s.mid })),
          unsubscribe: have.filter((h) => !live.some((s) => s.mid === h.mid)).map((h) => ({ feed: feed.id, mid: h.mid })),
        };
      });
    }
  }

  #part(id) {
    if (!this.#feeds.delete(id)) return;
    this.#change(() => ({
      subscribe: [],
      unsubscribe: [...this.#sources.values()].filter((s) => s.feed === id).map(({ feed, mid }) => ({ feed, mid })),
    }));
    this.onleave(id);
  }

  // Changes wait for each other, and each is worked out when its turn comes.
  #change(plan) {
    this.#subscriptions = this.#subscriptions
      .then(async () => {
        const { subscribe, unsubscribe } = plan();
        if (!subscribe.length && !unsubscribe.length) return;
        if (!this.#subscriber) {
          if (!subscribe.length) return;
          const connection = this.#inbound;
          const handle = await this.#session.attach(plugin, (m) => this.#heardAsSubscriber(m, connection));
          tend(connection, handle);
          const { data, jsep } = await handle.message({
            request: 'join', ptype: 'subscriber', room: this.#id, private_id: this.#privateID, streams: subscribe,
          });
          this.#subscriber = handle;
          await this.#answer(data, jsep);
          return;
        }
        const { data, jsep } = await this.#subscriber.message({
          request: 'update',
          ...(subscribe.length && { subscribe }),
          ...(unsubscribe.length && { unsubscribe }),
        });
        await this.#answer(data, jsep);
      })
      .catch((err) => console.warn('subscription:', err.message));
  }

  // What brought the others' media is gone: all of it comes anew, on another connection and handle.
  #resubscribe() {
    if (this.#ended) return;
    const given = this.#subscriber;
    this.#inbound.close();
    this.#inbound = new RTCPeerConnection();
    this.#subscriber = undefined;
    for (const source of this.#sources.values()) this.onstreamend(source);
    this.#sources = new Map();
    given?.detach().catch(() => {});
    this.#meet([...this.#feeds.values()]);
  }

  #heardAsSubscriber({ janus, plugindata, jsep }, connection) {
    if (connection !== this.#inbound) return; // of a handle that has been given up
    if (janus === 'hangup') this.#resubscribe();
    if (plugindata?.data.streams) {
      this.#subscriptions = this.#subscriptions.then(() => this.#answer(plugindata.data, jsep)).catch((err) => console.warn('offer:', err.message));
    }
  }

  async #answer(data, jsep) {
    const before = this.#sources;
    if (data.streams) {
      this.#sources = new Map(data.streams.filter((s) => s.active && s.feed_id !== undefined).map((s) => [s.mid, { feed: s.feed_id, mid: s.feed_mid }]));
    }
    for (const [mid, was] of before) {
      const now = this.#sources.get(mid);
      if (!now || now.feed !== was.feed || now.mid !== was.mid) this.onstreamend(was);
    }
    if (!jsep) return;
    await this.#inbound.setRemoteDescription(jsep);
    await this.#inbound.setLocalDescription();
    await this.#subscriber.message({ request: 'start' }, describe(this.#inbound.localDescription));
    for (const { mid, receiver } of this.#inbound.getTransceivers()) {
      const now = this.#sources.get(mid);
      const was = before.get(mid);
      if (!now || (was && was.feed === now.feed && was.mid === now.mid)) continue;
      this.onstream({ ...now, name: this.#feeds.get(now.feed)?.display ?? '', kind: receiver.track.kind, track: receiver.track });
    }
  }

  async leave() {
    const session = this.#session;
    this.#closed();
    await session?.close();
  }

  #closed(err) {
    if (this.#ended) return;
    this.#ended = true;
    this.#outbound.close();
    this.#inbound.close();
    this.onend?.(err);
  }

  /** For those who look into calls: RTCStatsReports by direction. */
  async stats() {
    return { outbound: await this.#outbound.getStats(), inbound: await this.#inbound.getStats() };
  }
}

const describe = ({ type, sdp }) => ({ type, sdp });

// Candidates go to the handle, and a connection that has failed is given up: the hangup that answers says what is next.
function tend(connection, handle) {
  connection.onicecandidate = ({ candidate }) => handle.trickle(candidate?.toJSON());
  connection.onconnectionstatechange = () => connection.connectionState === 'failed' && handle.hangup();
}
