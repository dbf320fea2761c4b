local prefix = KEYS[1]
local at = 0

local function arg()
  at = at + 1
  return ARGV[at]
end

local function count()
  return tonumber(arg())
end

local function session_key(id) return prefix .. 'session:' .. id end

-- remembered returns what remember kept of a command, or false.
local function remembered(command)
  if command == '' then return false end
  return redis.call('GET', prefix .. 'answer:' .. command)
end

-- remember keeps the answer to a command, with what it raised: "<session>:<number>" of each event, space-separated.
local function remember(command, answer, for_ms, raised)
  if command ~= '' and answer ~= '' then
    redis.call('SET', prefix .. 'answer:' .. command, (raised or '') .. '\n' .. answer, 'PX', for_ms)
  end
end

-- append adds an event to a session's log and returns its number, 0 if there is no such session.
local function append(session, event, keep)
  local key = session_key(session)
  local number = redis.call('HINCRBY', key, 'events', 1)
  if number == 1 and redis.call('HLEN', key) == 1 then -- made just now: to look before each event would cost more
    redis.call('DEL', key)
    return 0
  end
  local log = prefix .. 'log:' .. session
  redis.call('RPUSH', log, number .. ':' .. event)
  if number > keep then redis.call('LTRIM', log, -keep, -1) end
  return number
end

-- timeout_of returns after how many ms without a request a session ends, 0 for never: what an administrator has set for
-- it, or for all, or else the service's setting.
local function timeout_of(session, setting)
  return tonumber(redis.call('HGET', session_key(session), 'timeout')
    or redis.call('HGET', prefix .. 'settings', 'session_timeout') or setting)
end

-- deadline returns when a session ends if nothing more is heard; nil for never.
local function deadline(session, setting, reclaim)
  local got = redis.call('HMGET', session_key(session), 'last', 'lost')
  local timeout, last, lost = timeout_of(session, setting), tonumber(got[1]), tonumber(got[2] or 0)
  local due = nil
  if timeout > 0 then due = last + timeout end
  if lost > 0 and (due == nil or lost + reclaim < due) then due = lost + reclaim end
  return due
end


-- place_field is of a session: its handle has state in that room, without being bound to it. The value is the room's name
-- in JSON.
local function place_field(handle, room) return 'p:' .. handle .. ':' .. room end

-- leave_place keeps the task that a handle leaves a place, and returns it. record is the handle's, place the room's name in
-- JSON, generation the handle's peer that is over, 0 for whatever it had. With moved, which is JSON, it stays there, and is told where
-- that peer is now.
local function leave_place(session, handle, record, place, generation, try_again, moved)
  local task = '{"leave":{"id":"' .. session .. '/' .. handle .. '","handle":' .. record
    .. ',"room":' .. place .. ',"generation":' .. generation
  if moved and moved ~= '' then task = task .. ',"moved":' .. moved end
  task = task .. '}}'
  redis.call('ZADD', prefix .. 'tasks', try_again, task)
  return task
end

-- edge_field is of a session: where the edge of its owner, a socket, hears of it. The socket is told along, so that it is of no
-- account if whoever made another the owner knew of no such thing.
local function edge_field(socket, edge) return socket .. ' ' .. edge end

-- edge_of reads that, '' if it is not known.
local function edge_of(socket, field)
  if not socket or not field or string.sub(field, 1, #socket + 1) ~= socket .. ' ' then return '' end
  return string.sub(field, #socket + 2)
end
