local now, again, most = arg(), arg(), arg()

local due = redis.call('ZRANGEBYSCORE', prefix .. 'tasks', '-inf', now, 'LIMIT', 0, most)
for _, task in ipairs(due) do
  redis.call('ZADD', prefix .. 'tasks', again, task)
end
return {'ok', due}
