// The page's whole life: ask the Admin API, keep five minutes of it, show it. Whatever comes from there is shown as text, never as
// markup: names of rooms and people are theirs to choose.

const api = document.querySelector('meta[name=admin-path]').content || '/'
const byId = id => document.getElementById(id)
const kept = 300 // seconds
const colours = ['#3b82f6', '#f59e0b', '#10b981', '#ef4444', '#8b5cf6', '#06b6d4', '#ec4899', '#84cc16', '#f97316', '#64748b']

let secret = ''
let rooms = []
let chosen = null // a room
let watched = null // someone in it
const history = new Map() // by node's id: {name, colour, points: [{at, packets, loss, cpu, peers}]}

class Refused extends Error {}

async function ask(request, more = {}) {
  const path = more.session_id ? `${api}/${more.session_id}/${more.handle_id}` : api
  const { session_id, handle_id, ...rest } = more
  const body = { janus: request, transaction: Math.random().toString(36).slice(2), ...rest }
  if (secret) body.admin_secret = secret
  const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) })
  if (response.status === 403) throw new Refused('this page may not ask the Admin API')
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  const answer = await response.json()
  if (answer.error?.code === 403) throw new Refused('the Admin API wants its secret')
  if (answer.janus !== 'success') throw new Error(answer.error?.reason ?? 'no answer')
  return answer
}

function row(cells, attributes = {}) {
  const tr = document.createElement('tr')
  for (const cell of cells) {
    const td = tr.insertCell()
    if (cell instanceof Node) td.append(cell)
    else if (typeof cell === 'object' && cell !== null) { td.textContent = cell.text; td.className = cell.kind }
    else td.textContent = cell ?? ''
  }
  Object.assign(tr, attributes)
  return tr
}

const number = n => ({ text: n.toLocaleString('en'), kind: 'number' })
const percent = (part, digits = 0) => `${(100 * part).toFixed(digits)} %`

function button(text, question, act) {
  const b = document.createElement('button')
  b.textContent = text
  b.onclick = async () => {
    if (!confirm(question)) return
    b.disabled = true
    try { await act() } catch (e) { alert(e.message) }
    b.disabled = false
  }
  return b
}

function swatch(colour) {
  const s = document.createElement('span')
  s.className = 'swatch'
  s.style.background = colour
  return s
}

// lossOf is the share of what a node sent, or was sent, that was lacking.
const lossOf = (lost, packets) => packets > 0 ? Math.min(1, lost / packets) : 0

function remember(nodes) {
  const at = Date.now() / 1000
  for (const n of nodes) {
    if (!history.has(n.id)) history.set(n.id, { colour: colours[history.size % colours.length], points: [] })
    const h = history.get(n.id)
    h.name = n.name
    h.points.push({ at, packets: n.packets_per_second, loss: lossOf(n.lost_out_per_second, n.packets_per_second), cpu: n.cpu, peers: n.peers })
  }
  for (const [id, h] of history) {
    while (h.points.length > 0 && h.points[0].at < at - kept) h.points.shift()
    if (h.points.length === 0) history.delete(id)
  }
}

// draw has a line for each node, from 0 to the most that there was.
function draw(id, key, least, label) {
  const canvas = byId(id), ratio = devicePixelRatio || 1, top = 16 // for the label of the highest line
  const { width, height } = canvas.getBoundingClientRect()
  canvas.width = width * ratio
  canvas.height = height * ratio
  const c = canvas.getContext('2d')
  c.scale(ratio, ratio)
  let most = least
  for (const h of history.values()) for (const p of h.points) most = Math.max(most, p[key])
  const now = Date.now() / 1000
  c.font = '11px system-ui, sans-serif'
  c.fillStyle = '#888'
  c.strokeStyle = '#8884'
  for (const part of [0, 0.5, 1]) {
    const y = top + (height - top - 4) * (1 - part)
    c.beginPath(); c.moveTo(0, y); c.lineTo(width, y); c.stroke()
    c.fillText(label(most * part), 2, y - 2)
  }
  for (const h of history.values()) {
    c.strokeStyle = h.colour
    c.lineWidth = 1.5
    c.beginPath()
    for (const p of h.points) c.lineTo(width * (1 - (now - p.at) / kept), top + (height - top - 4) * (1 - p[key] / most))
    c.stroke()
  }
}

function stateOf(n) {
  if (n.drain && !n.drain.over) return { text: `draining, ${n.drain.left} left`, kind: 'warn' }
  if (n.draining) return { text: n.drain ? 'drained' : 'draining', kind: 'warn' }
  if (n.silent) return { text: 'does not answer', kind: 'bad' }
  if (!n.takes_work) return { text: 'takes no work', kind: 'bad' }
  return 'takes work'
}

function showNodes(nodes) {
  byId('node-count').textContent = nodes.length
  byId('nodes').tBodies[0].replaceChildren(...nodes.map(n => {
    const share = n.capacity_packets > 0 ? n.packets_per_second / n.capacity_packets : 0
    const full = { text: percent(share), kind: share > 1 ? 'number bad' : share > 0.8 ? 'number warn' : 'number' }
    return row([
      swatch(history.get(n.id).colour), n.name, stateOf(n), number(n.peers), number(n.packets_per_second), full,
      { text: (n.bits_per_second / 1e6).toFixed(1), kind: 'number' },
      { text: percent(lossOf(n.lost_in_per_second, n.packets_per_second), 1), kind: 'number' },
      { text: percent(lossOf(n.lost_out_per_second, n.packets_per_second), 1), kind: 'number' },
      { text: percent(n.cpu), kind: 'number' },
      { text: `${n.heard_ms_ago} ms`, kind: n.heard_ms_ago > 2000 ? 'number bad' : 'number' },
      n.draining
        ? button('Give work', `Give ${n.name} work again?`, () => ask('undrain_node', { node: n.id }))
        : button('Drain', `Move all calls of ${n.name} to other nodes?`, () => ask('drain_node', { node: n.id })),
    ])
  }))
  const sum = key => nodes.reduce((all, n) => all + n[key], 0)
  const packets = sum('packets_per_second')
  byId('now-packets').textContent = packets.toLocaleString('en')
  byId('now-loss').textContent = percent(lossOf(sum('lost_out_per_second'), packets), 1)
  byId('now-cpu').textContent = nodes.length ? percent(Math.max(...nodes.map(n => n.cpu))) : ''
  byId('now-peers').textContent = sum('peers').toLocaleString('en')
  draw('packets', 'packets', 100, n => Math.round(n).toLocaleString('en'))
  draw('loss', 'loss', 0.01, n => percent(n, 1))
  draw('cpu', 'cpu', 0.1, n => percent(n))
  draw('peers', 'peers', 4, n => Math.round(n).toLocaleString('en'))
}

const mostShown = 200

function showRooms() {
  const wanted = byId('filter').value.toLowerCase()
  const some = rooms.filter(r => `${r.room} ${r.description} ${r.plugin} ${r.nodes}`.toLowerCase().includes(wanted))
    .sort((a, b) => b.participants - a.participants || b.subscribers - a.subscribers)
  byId('room-count').textContent = some.length > mostShown ? `${some.length}, the fullest ${mostShown}` : some.length
  byId('rooms').tBodies[0].replaceChildren(...some.slice(0, mostShown).map(r => row([
    String(r.room), { text: r.description ?? '', kind: 'long' }, r.plugin.replace('janus.plugin.', ''),
    number(r.participants), number(r.subscribers), { text: r.nodes.join(' '), kind: 'long' },
  ], {
    className: chosen && chosen.room === r.room && chosen.plugin === r.plugin ? 'choice chosen' : 'choice',
    onclick: () => { chosen = r; watched = null; byId('stats').hidden = true; showRooms(); look() },
  })))
}

function showPresent(info) {
  byId('room-name').textContent = `Room ${info.room}` + (info.left_out ? `, ${info.left_out} more` : '')
  byId('present').hidden = false
  byId('present').tBodies[0].replaceChildren(...info.present.map(p => row([
    p.id === undefined ? '' : String(p.id), { text: p.display ?? '', kind: 'long' }, p.role, p.moves_to ? `${p.node} → ${p.moves_to}` : p.node,
    p.up ? 'up' : p.node ? { text: 'not up', kind: 'warn' } : '', p.session_id ? `${p.session_id} / ${p.handle_id}` : '',
  ], {
    className: watched && watched.handle_id === p.handle_id ? 'choice chosen' : 'choice',
    onclick: () => { watched = p.session_id ? p : null; look() },
  })))
}

async function look() {
  if (!chosen) return
  try {
    showPresent(await ask('room_info', { room: String(chosen.room), plugin: chosen.plugin }))
    if (!watched) return
    const { info } = await ask('handle_info', watched)
    byId('stats').textContent = JSON.stringify(info, null, 2)
    byId('stats').hidden = false
  } catch (e) {
    byId('room-name').textContent = e.message
    byId('present').hidden = byId('stats').hidden = true
  }
}

async function listRooms() {
  const all = []
  let after
  do {
    const page = await ask('list_rooms', after ? { after } : {})
    all.push(...page.rooms)
    after = page.next
  } while (after && all.length < 20000)
  rooms = all
  showRooms()
  await look()
}

let roomsDue = 0

async function pass() {
  try {
    const { nodes } = await ask('list_nodes')
    remember(nodes)
    showNodes(nodes)
    if (Date.now() >= roomsDue) {
      const began = Date.now()
      await listRooms()
      roomsDue = Date.now() + Math.max(3000, 10 * (Date.now() - began)) // a long list is asked for less often
    }
    byId('ask').hidden = true
    byId('state').textContent = `as of ${new Date().toLocaleTimeString()}`
    byId('state').className = ''
  } catch (e) {
    byId('state').textContent = e.message
    byId('state').className = 'bad'
    if (e instanceof Refused) { byId('ask').hidden = false; return } // until there is a secret
  }
  setTimeout(pass, 1000)
}

byId('ask').onsubmit = event => {
  event.preventDefault()
  secret = byId('secret').value
  pass()
}
byId('filter').oninput = showRooms
pass()
