/** Lua: what a step sends. `planAppend` only reads and says what is in the way; `applyAppend` only writes. */
export const appending = `
local function takeItems()
  local items = {}
  for index = 1, takeNumber() do
    items[index] = { id = take(), digest = take(), stream = take(), queue = take(), due = take(), json = take() }
  end
  return items
end

-- the conflict of a decision, nil where the stream is where it was made
local function conflict(stream, version)
  if stream == '' then return nil end
  local actual = redis.call('LLEN', prefix .. 'stream:' .. stream)
  if actual == tonumber(version) then return nil end
  return { 'conflict', actual }
end

local function knownOf(items)
  local ids = {}
  for index, item in ipairs(items) do ids[index] = item.id end
  local positions = readMany('HMGET', prefix .. 'ids', ids)
  local forgotten = readMany('HMGET', prefix .. 'forgotten', ids)
  local known = {}
  for index, id in ipairs(ids) do
    if positions[index] then
      local entry = entryAt(positions[index])
      if not entry then error('LOST entry ' .. positions[index] .. ' of the ledger') end
      known[id] = opened(entry)
    elseif forgotten[index] then
      local position, seq, digest, stream = string.match(forgotten[index], '^(%d+)|(%d+)|([^|]*)|%d+|(.*)$')
      known[id] = { position = position, stream = stream, seq = seq, digest = digest, forgotten = true }
    end
  end
  return known
end

local function isRepetition(items, known)
  for _, item in ipairs(items) do
    local before = known[item.id]
    if not before or before.digest ~= item.digest then return false end
  end
  return #items > 0
end

local function streamOf(plan, name)
  local stream = plan.streams[name]
  if not stream then
    stream = { name = name, length = redis.call('LLEN', prefix .. 'stream:' .. name), added = {} }
    plan.streams[name] = stream
  end
  return stream
end

local function queueOf(plan, name)
  local queue = plan.queues[name]
  if not queue then
    queue = { name = name, added = {}, fields = {}, values = {}, slots = {}, fresh = {}, back = {}, delayed = {},
      handed = 0, served = {}, leased = {}, offers = {}, length = redis.call('LLEN', prefix .. 'queue:' .. name) }
    plan.queues[name] = queue
  end
  return queue
end

-- one delivery for each (envelope, queue), in whatever state
local function planDelivery(plan, item, known, isFirst)
  local queue = queueOf(plan, item.queue)
  if queue.added[known.position] then return end
  if not known.fresh and redis.call('HEXISTS', prefix .. 'deliveries:' .. item.queue, known.position) == 1 then return end
  local due = tonumber(item.due)
  -- who comes later takes a place behind all others: no entry will have its number
  if not isFirst then plan.last = plan.last + 1 end
  local place = plan.last
  local state, later = 'w', 0
  if due > now then
    state, later = 'd', due
    push(queue.delayed, text(due), known.position)
  elseif isFirst then push(queue.fresh, known.position)
  else push(queue.back, text(place), padded(known.position)) end
  queue.added[known.position] = true
  push(queue.fields, known.position)
  queue.slots[known.position] = #queue.values + 2
  push(queue.values, known.position, state .. '|' .. text(place) .. '|0|0|' .. text(later) .. '|0||')
end

-- nil and the id of an envelope that is known with other content
local function planAppend(items, known)
  local plan = { last = numeric(redis.call('HGET', facts, 'last')), streams = {}, queues = {}, fresh = {}, reply = {} }
  plan.before = plan.last
  for _, item in ipairs(items) do
    local entry = known[item.id]
    local isFirst = not entry
    if isFirst then
      local stream = streamOf(plan, item.stream)
      plan.last = plan.last + 1
      entry = { position = text(plan.last), stream = item.stream, seq = text(stream.length + #stream.added + 1),
        digest = item.digest, json = item.json, id = item.id, fresh = true }
      entry.head = headOf(entry.id, entry.digest, entry.seq, text(now), entry.stream)
      known[item.id] = entry
      push(stream.added, entry.position)
      push(plan.fresh, entry)
    end
    if entry.digest ~= item.digest then return nil, item.id end
    if item.queue ~= '' and not entry.forgotten then planDelivery(plan, item, entry, isFirst) end
    push(plan.reply, entry.position, entry.stream, entry.seq)
  end
  if #plan.fresh > 0 then
    local entries = {}
    for _, entry in ipairs(plan.fresh) do entries[entry.position] = entry end
    for _, queue in pairs(plan.queues) do planHanding(queue, entries) end
  end
  return plan
end

local function applyEntries(plan)
  local ids, removed, names = {}, {}, {}
  for _, entry in ipairs(plan.fresh) do
    push(ids, entry.id, entry.position)
    push(names, entry.id)
    push(removed, entry.position)
  end
  if plan.before == 0 then inverse('DEL', ledger, {})
  else inverse('XSETID', ledger, { text(plan.before) .. '-0' }) inverse('XDEL', ledger, removed) end
  -- the first write of the step is one that the server refuses when its memory is spent
  for _, entry in ipairs(plan.fresh) do
    redis.call('XADD', ledger, entry.position, 'h', entry.head, 'e', entry.json)
  end
  write('HSET', prefix .. 'ids', ids, 'HDEL', names)
  for _, stream in pairs(plan.streams) do
    if stream.length == 0 and #stream.added > 0 then score(prefix .. 'streams', stream.name, stream.added[1]) end
    append(prefix .. 'stream:' .. stream.name, stream.added, stream.length)
  end
  ring(':entries')
end

local function applyQueue(queue)
  if #queue.fields == 0 then return end
  if redis.call('SADD', prefix .. 'queues', queue.name) == 1 then inverse('SREM', prefix .. 'queues', { queue.name }) end
  write('HSET', prefix .. 'deliveries:' .. queue.name, queue.values, 'HDEL', queue.fields)
  applyHanding(queue)
  append(prefix .. 'queue:' .. queue.name, queue.fresh, queue.length)
  local members = {}
  for index = 2, #queue.back, 2 do push(members, queue.back[index]) end
  write('ZADD', prefix .. 'back:' .. queue.name, queue.back, 'ZREM', members)
  write('ZADD', prefix .. 'delayed:' .. queue.name, queue.delayed, 'ZREM', queue.fields)
  if queue.handed < #queue.fields then ring(queue.name) end
end

local function applyAppend(plan)
  if plan.last == plan.before then return end
  if #plan.fresh > 0 then applyEntries(plan) end
  writeField(facts, 'last', text(plan.last), plan.before > 0 and text(plan.before))
  for _, queue in pairs(plan.queues) do applyQueue(queue) end
end
`;
