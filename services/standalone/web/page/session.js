// A Janus session over one WebSocket, with the handles attached to it. If the socket breaks, the session is claimed
// on a new one, so that calls go on.

const keepAliveMs = 25_000;
const claimForMs = 20_000;

export class JanusError extends Error {
  constructor({ code, reason }) {
    super(reason);
    this.code = code;
  }
}

const transaction = () => crypto.getRandomValues(new Uint32Array(2)).join('');

export class Session {
  #url;
  #socket;
  #id;
  #waiting = new Map(); // transaction → {resolve, reject}
  #handles = new Map(); // handle id → Handle
  #keepAlive;
  #ended = false;

  /** Called once, when the session cannot be saved: with an Error, or with nothing after close(). */
  onend = () => {};
  /** Called with true when the connection is back, false when it is lost. */
  onconnection = () => {};

  static async open(url) {
    const s = new Session();
    s.#url = url;
    await s.#connect();
    s.#id = (await s.request({ janus: 'create' })).data.id;
    s.#keepAlive = setInterval(() => s.request({ janus: 'keepalive' }).catch(() => {}), keepAliveMs);
    return s;
  }

  #connect() {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#url, 'janus-protocol');
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error(`no connection to ${this.#url}`));
      socket.onmessage = (e) => this.#hear(JSON.parse(e.data));
      socket.onclose = () => socket === this.#socket && this.#lost();
      this.#socket = socket;
    });
  }

  async #lost() {
    for (const { reject } of this.#waiting.values()) reject(new Error('connection lost'));
    this.#waiting.clear();
    if (this.#ended || !this.#id) return;
    this.onconnection(false);
    const until = Date.now() + claimForMs;
    while (!this.#ended && Date.now() < until) {
      try {
        await this.#connect();
        await this.request({ janus: 'claim' });
        this.onconnection(true);
        return;
      } catch (err) {
        if (err instanceof JanusError) break; // the session is gone
        await new Promise((r) => setTimeout(r, 500));
      }
    }
    this.#end(new Error('The connection to the server was lost.'));
  }

  #end(err) {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#keepAlive);
    this.#socket.close();
    this.onend(err);
  }

  /** Sends a request and resolves with its answer: for an asynchronous message, the event, not the ack. */
  request(message) {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) return reject(new Error('not connected'));
      const id = transaction();
      this.#waiting.set(id, { resolve, reject, ackIsAnswer: message.janus !== 'message' });
      this.#socket.send(JSON.stringify({ ...message, transaction: id, ...(this.#id && { session_id: this.#id }) }));
    });
  }

  #hear(message) {
    const waiting = this.#waiting.get(message.transaction);
    if (message.janus === 'ack' && waiting && !waiting.ackIsAnswer) return;
    if (waiting) {
      this.#waiting.delete(message.transaction);
      const error = message.error ?? pluginError(message.plugindata?.data);
      if (error) waiting.reject(new JanusError(error));
      else waiting.resolve(message);
      return;
    }
    if (message.janus === 'timeout') this.#end(new Error('The session timed out.'));
    this.#handles.get(message.sender)?.hear(message);
  }

  async attach(plugin, hear) {
    const { data } = await this.request({ janus: 'attach', plugin });
    const handle = new Handle(this, data.id, hear);
    this.#handles.set(data.id, handle);
    return handle;
  }

  forget(handle) {
    this.#handles.delete(handle.id);
  }

  async close() {
    await this.request({ janus: 'destroy' }).catch(() => {});
    this.#end();
  }
}

function pluginError(data) {
  return data?.error_code ? { code: data.error_code, reason: data.error } : undefined;
}

class Handle {
  constructor(session, id, hear) {
    this.session = session;
    this.id = id;
    this.hear = hear;
  }

  /** Resolves with {data, jsep}. */
  async message(body, jsep) {
    const answer = await this.session.request({ janus: 'message', handle_id: this.id, body, ...(jsep && { jsep }) });
    return { data: answer.plugindata.data, jsep: answer.jsep };
  }

  trickle(candidate) {
    return this.session.request({ janus: 'trickle', handle_id: this.id, candidate: candidate ?? { completed: true } }).catch(() => {});
  }

  hangup() {
    return this.session.request({ janus: 'hangup', handle_id: this.id }).catch(() => {});
  }

  async detach() {
    this.session.forget(this);
    await this.session.request({ janus: 'detach', handle_id: this.id }).catch(() => {});
  }
}
