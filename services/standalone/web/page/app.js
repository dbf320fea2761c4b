import { Room } from './room.js';

const $ = (id) => document.getElementById(id);
const stage = $('stage');

const publishersFull = 432; // VideoRoom's error code

let room;
let mine; // {media, camera, microphone, screen}

function say(text, isError = false) {
  $('status').textContent = text;
  $('status').classList.toggle('error', isError);
}

function show(inRoom) {
  $('door').hidden = inRoom;
  stage.hidden = $('controls').hidden = !inRoom;
}

// A tile is one camera with its microphone, or one screen.
function tile(key, name, { self = false, screen = false } = {}) {
  let el = stage.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (el) return el;
  el = document.createElement('div');
  el.className = `tile novideo${self ? ' self' : ''}${screen ? ' screen' : ''}`;
  el.dataset.key = key;
  el.dataset.initial = name.slice(0, 1).toUpperCase() || '?';
  const video = Object.assign(document.createElement('video'), { autoplay: true, playsInline: true, muted: self });
  video.srcObject = new MediaStream();
  const label = document.createElement('span');
  label.className = 'name';
  label.textContent = name + (self && !screen ? ' (you)' : '') + (screen ? ' · screen' : '');
  el.append(video, label);
  stage.append(el);
  return el;
}

function put(el, track) {
  const media = el.querySelector('video').srcObject;
  media.addTrack(track);
  el.classList.toggle('novideo', media.getVideoTracks().length === 0);
}

const streams = new Map(); // "feed mid" → {el, track}

function onstream({ feed, name, mid, kind, track }) {
  const face = `${feed}`;
  const hasFace = [...streams.values()].some((s) => s.el.dataset.key === face && s.track.kind === 'video');
  const el = kind === 'video' && hasFace ? tile(`${feed} ${mid}`, name, { screen: true }) : tile(face, name);
  put(el, track);
  streams.set(`${feed} ${mid}`, { el, track });
}

function onstreamend({ feed, mid }) {
  const { el, track } = streams.get(`${feed} ${mid}`) ?? {};
  if (!el) return;
  streams.delete(`${feed} ${mid}`);
  const media = el.querySelector('video').srcObject;
  media.removeTrack(track);
  el.classList.toggle('novideo', media.getVideoTracks().length === 0);
  if (!media.getTracks().length) el.remove();
}

function onleave(feed) {
  for (const [key, { el }] of streams) {
    if (key.startsWith(`${feed} `)) {
      streams.delete(key);
      el.remove();
    }
  }
}

function onend(err) {
  for (const track of [...(mine?.media.getTracks() ?? []), mine?.screen?.track]) track?.stop();
  room = mine = undefined;
  streams.clear();
  stage.replaceChildren();
  show(false);
  say(err ? err.message : 'You have left.', Boolean(err));
}

// Whatever there is of camera and microphone; with neither one can still watch.
async function devices() {
  for (const wanted of [{ audio: true, video: { width: { ideal: 1280 }, height: { ideal: 720 } } }, { audio: true }, { video: true }]) {
    try {
      return await navigator.mediaDevices.getUserMedia(wanted);
    } catch (err) {
      console.info('no', Object.keys(wanted).join(' and '), err.message);
    }
  }
  return new MediaStream();
}

async function join() {
  const name = $('name').value.trim();
  const number = Number($('room').value);
  $('join').disabled = true;
  say('Joining …');
  try {
    const config = await (await fetch('config.json')).json();
    const media = await devices();
    room = new Room({ onstream, onstreamend, onleave, onend, onconnection: (up) => say(up ? `In room ${number}.` : 'Connection lost, reconnecting …', !up) });
    window.room = room;
    mine = { media, name, microphone: media.getAudioTracks()[0], camera: media.getVideoTracks()[0] };
    await room.join(socketURL(config), { room: number, name, pin: $('pin').value });
    show(true);
    say(`In room ${number}.`);
    try {
      await room.publish(...media.getTracks());
    } catch (err) {
      if (err.code !== publishersFull) throw err;
      for (const track of media.getTracks()) track.stop();
      mine = { media: new MediaStream(), name };
      say(`Room ${number} is full: you can watch and listen.`);
    }
    const el = tile('self', name, { self: true });
    for (const track of mine.media.getTracks()) put(el, track);
    $('mic').hidden = !mine.microphone;
    $('camera').hidden = !mine.camera;
    label();
  } catch (err) {
    const failed = room;
    if (failed) failed.onend = undefined; // it would say that we have left
    onend(err);
    await failed?.leave();
  } finally {
    $('join').disabled = false;
  }
}

function socketURL({ janus, port, securePort }) {
  if (janus) return janus;
  const secure = location.protocol === 'https:';
  return `${secure ? 'wss' : 'ws'}://${location.hostname}:${secure ? securePort : port}/`;
}

function label() {
  const state = (id, on, whenOn, whenOff, highlight) => {
    $(id).textContent = on ? whenOn : whenOff;
    $(id).setAttribute('aria-pressed', String(on));
    $(id).className = highlight ? (on ? 'on' : '') : on ? '' : 'off';
  };
  state('mic', mine.microphone?.enabled ?? false, 'Mute', 'Unmute');
  state('camera', mine.camera?.enabled ?? false, 'Camera off', 'Camera on');
  state('screen', Boolean(mine.screen), 'Stop sharing', 'Share screen', true);
}

async function toggleScreen() {
  if (mine.screen) {
    const { track } = mine.screen;
    mine.screen = undefined;
    track.stop();
    stage.querySelector('[data-key="self screen"]')?.remove();
    label();
    await room.stop(track);
    return;
  }
  const media = await navigator.mediaDevices.getDisplayMedia({ video: true });
  const [track] = media.getVideoTracks();
  try {
    await room.publish(track);
    mine.screen = { track };
  } catch (err) {
    track.stop();
    throw err;
  }
  put(tile('self screen', mine.name, { self: true, screen: true }), track);
  track.onended = () => mine?.screen?.track === track && toggleScreen();
  label();
}

$('door').onsubmit = (e) => {
  e.preventDefault();
  join();
};
$('mic').onclick = () => {
  mine.microphone.enabled = !mine.microphone.enabled;
  label();
};
$('camera').onclick = () => {
  mine.camera.enabled = !mine.camera.enabled;
  label();
};
$('screen').onclick = () => toggleScreen().catch((err) => say(`Screen not shared: ${err.message}`, true));
$('leave').onclick = () => room.leave();

const asked = new URLSearchParams(location.search);
if (asked.has('room')) $('room').value = asked.get('room');
if (asked.has('name')) $('name').value = asked.get('name');
$('name').focus();
if (!window.isSecureContext) say('Browsers give camera and microphone only to https pages and to localhost.', true);
