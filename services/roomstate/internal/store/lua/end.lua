-- With checked, the session ends only if it is due: then timed_out is its last event if its socket was still there.
local command, session, now, checked, timeout, reclaim = arg(), arg(), count(), arg(), count(), count()
local ended, timed_out, keep, log_ms = arg(), arg(), count(), arg()
local answer, answer_ms, try_again = arg(), arg(), arg()

local old = remembered(command)
if old then return {'answered', old} end
local key = session_key(session)
if redis.call('EXISTS', key) == 0 then
  redis.call('ZREM', prefix .. 'deadlines', session)
  return {'nosession'}
end
if checked == '1' then
  local due = deadline(session, timeout, reclaim)
  if due == nil or due > now then return {'ok', 0, 0, {}} end
end
local by_timeout = checked == '1' and redis.call('HEXISTS', key, 'lost') == 0
local number = append(session, by_timeout and timed_out or ended, keep)
local tasks = {}
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 2) == 'h:' then
    local id = session .. '/' .. string.sub(fields[i], 3)
    local task = '{"leave":{"id":"' .. id .. '","handle":' .. fields[i + 1] .. '}}'
    redis.call('ZADD', prefix .. 'tasks', try_again, task)
    tasks[#tasks + 1] = task
  end
  local handle = string.match(fields[i], '^p:(%d+):')
  if handle then
    local record = redis.call('HGET', key, 'h:' .. handle)
    if record then tasks[#tasks + 1] = leave_place(session, handle, record, fields[i + 1], 0, try_again) end
  end
end
redis.call('DEL', key)
redis.call('SREM', prefix .. 'sessions', session)
redis.call('PEXPIRE', prefix .. 'log:' .. session, log_ms)
redis.call('ZREM', prefix .. 'deadlines', session)
remember(command, answer, answer_ms, session .. ':' .. number)
return {'ok', by_timeout and 2 or 1, number, tasks}
