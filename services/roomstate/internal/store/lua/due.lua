-- Sessions whose time has come. One that was heard of meanwhile gets a new time; the others get one a little later,
-- for the case that whoever asked does not live to end them.
local now, timeout, reclaim, most, again = count(), count(), count(), arg(), arg()

local due, seen = {}, redis.call('ZRANGEBYSCORE', prefix .. 'deadlines', '-inf', now, 'LIMIT', 0, most)
for _, session in ipairs(seen) do
  local when = nil
  local there = redis.call('EXISTS', session_key(session)) == 1
  if there then when = deadline(session, timeout, reclaim) end
  if when == nil then
    redis.call('ZREM', prefix .. 'deadlines', session)
  elseif when > now then
    redis.call('ZADD', prefix .. 'deadlines', when, session)
  else
    redis.call('ZADD', prefix .. 'deadlines', again, session)
    due[#due + 1] = session
  end
end
return {'ok', due, #seen}
