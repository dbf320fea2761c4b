local command, answer, answer_ms, now = arg(), arg(), arg(), arg()
local session, handle, again, keep = arg(), arg(), arg(), count()

local old = remembered(command)
if old then return {'answered', old} end

-- The acting handle must still be there, unless its session is over (then session is empty).
local key = session_key(session)
if session ~= '' then
  if redis.call('EXISTS', key) == 0 then return {'nosession'} end
  if redis.call('HEXISTS', key, 'h:' .. handle) == 0 then return {'nohandle'} end
end

-- most: the room is made, and counts for the session, which may have that many; 0 for one that does not count.
local room, read, version, drop, most = arg(), arg(), arg(), arg(), count()
if room ~= '' then
  local room_key = prefix .. 'room:' .. room
  if (redis.call('HGET', room_key, 'version') or '') ~= read then return {'stale'} end
  if most > 0 and session ~= '' then
    if tonumber(redis.call('HGET', key, 'rooms') or 0) >= most then return {'full'} end
    redis.call('HINCRBY', key, 'rooms', 1)
    redis.call('HSET', room_key, 'maker', session)
  end
  if version ~= '' then
    if drop == '1' then
      local maker = redis.call('HGET', room_key, 'maker')
      redis.call('DEL', room_key) -- before all that takes memory: a Redis that is full then takes the rest too
      if maker and tonumber(redis.call('HGET', session_key(maker), 'rooms') or 0) > 0 then
        redis.call('HINCRBY', session_key(maker), 'rooms', -1)
      end
    else
      redis.call('HSET', room_key, 'version', version)
    end
  end
  for _ = 1, count() do
    local field = arg()
    redis.call('HSET', room_key, field, arg())
  end
  for _ = 1, count() do redis.call('HDEL', room_key, arg()) end
  local index, name, entry = arg(), arg(), arg()
  if index ~= '' then
    if drop == '1' then
      redis.call('HDEL', prefix .. 'rooms:' .. index, name)
    else
      redis.call('HSET', prefix .. 'rooms:' .. index, name, entry)
    end
  end
end

-- record: '' leaves the acting handle as it is, '-' ends it.
local record = arg()
if session ~= '' and record == '-' then
  redis.call('HDEL', key, 'h:' .. handle, 's:' .. handle, 'c:' .. handle)
  redis.call('HINCRBY', key, 'handles', -1)
elseif session ~= '' and record ~= '' then
  redis.call('HSET', key, 'h:' .. handle, record)
end

-- Where the acting handle has state beside the room that it is bound to.
local enter, place, scatter, follow, place_record = arg(), arg(), arg(), arg(), arg()
local scattered = {}
if session ~= '' and enter == '1' then redis.call('HSET', key, place_field(handle, room), place) end
if session ~= '' and scatter ~= '' then
  local start = place_field(handle, '')
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, #start) == start then
      scattered[#scattered + 1] = leave_place(session, handle, place_record, fields[i + 1], scatter, again, follow)
      if follow == '' then redis.call('HDEL', key, fields[i]) end
    end
  end
end
for _ = 1, count() do
  local other, other_handle = arg(), arg()
  redis.call('HDEL', session_key(other), place_field(other_handle, room))
end

local numbers, raised = {}, {}
for i = 1, count() do
  local to = arg()
  numbers[i] = append(to, arg(), keep)
  if numbers[i] > 0 then raised[#raised + 1] = to .. ':' .. numbers[i] end
end

for _ = 1, count() do redis.call('ZADD', prefix .. 'tasks', again, arg()) end
-- A peer of session 0 has no handle: where it is kept is remembered apart.
local function handleless(peer) return string.match(peer, '^0/(%d+)/') end
for _ = 1, count() do
  local node, peer = arg(), arg()
  redis.call('SADD', prefix .. 'node:' .. node, peer)
  local id = handleless(peer)
  if id then redis.call('HSET', prefix .. 'handleless', id, '{"room":' .. place .. ',"handle":' .. place_record .. '}') end
end
for _ = 1, count() do
  local node, peer = arg(), arg()
  redis.call('SREM', prefix .. 'node:' .. node, peer)
  local id = handleless(peer)
  if id then redis.call('HDEL', prefix .. 'handleless', id) end
end
remember(command, answer, answer_ms, table.concat(raised, ' '))
local last = 0
if session ~= '' then last = tonumber(redis.call('HGET', key, 'events')) end
return {'ok', last, numbers, scattered}
