-- Notes up to which events sockets have taken what their sessions raised.
for _ = 1, count() do
  local session, socket, delivered = arg(), arg(), count()
  local key = session_key(session)
  local got = redis.call('HMGET', key, 'socket_id', 'delivered', 'events')
  if got[1] and got[1] == socket and delivered > tonumber(got[2] or 0) and delivered <= tonumber(got[3]) then
    redis.call('HSET', key, 'delivered', delivered)
  end
end
return {'ok'}
