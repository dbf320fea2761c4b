local answer_ms, now, again, keep = arg(), arg(), arg(), count()

-- The acting handles must still be there, unless their sessions are over (then session is empty). Nothing is written unless all
-- that is asked for can be.
local writes, owners, last = {}, {}, {} -- owners: of sessions, and where their edges hear of them; last: their last events
for i = 1, count() do
  local w = {command = arg(), session = arg(), handle = arg(), raised = {}}
  writes[i] = w
  local old = remembered(w.command)
  if old then return {'answered', old, i} end
  w.key = session_key(w.session)
  if w.session ~= '' then
    local got = redis.call('HMGET', w.key, 'socket_id', 'edge', 'events', 'h:' .. w.handle)
    if not got[1] then return {'nosession', i} end
    if not got[4] then return {'nohandle', i} end
    owners[w.session], last[w.session] = got, tonumber(got[3])
  end
end
local maker = writes[1]

-- most: the room is made, and counts for the session, which may have that many; 0 for one that does not count.
local room, read, version, drop, most = arg(), arg(), arg(), arg(), count()
if room ~= '' then
  local room_key = prefix .. 'room:' .. room
  if (redis.call('HGET', room_key, 'version') or '') ~= read then return {'stale'} end
  if most > 0 and maker.session ~= '' then
    if tonumber(redis.call('HGET', maker.key, 'rooms') or 0) >= most then return {'full'} end
    redis.call('HINCRBY', maker.key, 'rooms', 1)
    redis.call('HSET', room_key, 'maker', maker.session)
  end
  if drop == '1' then
    local made_by = redis.call('HGET', room_key, 'maker')
    redis.call('DEL', room_key) -- before all that takes memory: a Redis that is full then takes the rest too
    if made_by and tonumber(redis.call('HGET', session_key(made_by), 'rooms') or 0) > 0 then
      redis.call('HINCRBY', session_key(made_by), 'rooms', -1)
    end
    version = ''
  end
  local fields = {}
  if version ~= '' then fields = {'version', version} end
  for _ = 1, count() do
    fields[#fields + 1] = arg()
    fields[#fields + 1] = arg()
    if #fields >= 200 then
      redis.call('HSET', room_key, unpack(fields))
      fields = {}
    end
  end
  if #fields > 0 then redis.call('HSET', room_key, unpack(fields)) end
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

-- A peer of session 0 has no handle: where it is kept is remembered apart.
local function handleless(peer) return string.match(peer, '^0/(%d+)/') end

local scattered = {}
for i, w in ipairs(writes) do
  local session, handle, key = w.session, w.handle, w.key
  w.answer = arg()
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
  scattered[i] = {}
  if session ~= '' and enter == '1' then redis.call('HSET', key, place_field(handle, room), place) end
  if session ~= '' and scatter ~= '' then
    local start = place_field(handle, '')
    local fields = redis.call('HGETALL', key)
    for j = 1, #fields, 2 do
      if string.sub(fields[j], 1, #start) == start then
        local tasks = scattered[i]
        tasks[#tasks + 1] = leave_place(session, handle, place_record, fields[j + 1], scatter, again, follow)
        if follow == '' then redis.call('HDEL', key, fields[j]) end
      end
    end
  end
  for _ = 1, count() do
    local other, other_handle = arg(), arg()
    redis.call('HDEL', session_key(other), place_field(other_handle, room))
  end

  for _ = 1, count() do redis.call('ZADD', prefix .. 'tasks', again, arg()) end
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
end

-- Events come in runs, each of one session, which begins like its other events and goes on with one of the kinds.
local kinds, kind_by = {}, {}
for i = 1, count() do
  kind_by[i] = writes[count()].raised
  kinds[i] = arg()
end
local firsts, edges = {}, {}
for i = 1, count() do
  local to, begins, list = arg(), arg(), arg()
  local key = session_key(to)
  local owner = owners[to] or redis.call('HMGET', key, 'socket_id', 'edge')
  owners[to] = owner
  firsts[i], edges[i] = 0, edge_of(owner[1], owner[2])
  if owner[1] then
    last[to] = redis.call('HINCRBY', key, 'events', #list / 2)
    local num, entries = last[to] - #list / 2, {}
    firsts[i] = num + 1
    for j = 1, #list, 2 do
      num = num + 1
      local high, low = string.byte(list, j, j + 1)
      local kind = high * 256 + low
      local written = string.format('%d:', num) -- numbers are slow to write
      entries[#entries + 1] = written .. begins .. kinds[kind]
      local raised = kind_by[kind]
      raised[#raised + 1] = to .. ':' .. string.sub(written, 1, -2)
    end
    local log = prefix .. 'log:' .. to
    redis.call('RPUSH', log, unpack(entries))
    if last[to] > keep then redis.call('LTRIM', log, -keep, -1) end
  end
end

local lasts = {}
for i, w in ipairs(writes) do
  remember(w.command, w.answer, answer_ms, table.concat(w.raised, ' '))
  lasts[i] = last[w.session] or 0
end
return {'ok', lasts, scattered, firsts, edges}
