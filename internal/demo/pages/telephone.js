// What goes on on the shoppers' telephones, every second. A call that stands can be listened to.
const box = document.getElementById('calls')
const rows = new Map()
const states = { ringing: 'дзвонить', talking: 'на лінії', over: 'закінчено' }

function button(words, path, main) {
  const b = document.createElement('button')
  b.textContent = words
  if (main) b.className = 'main'
  b.onclick = () => fetch(path, { method: 'POST' }).then(look)
  return b
}

function row(c) {
  const r = { element: document.createElement('section'), line: document.createElement('p'), system: document.createElement('p'), acts: document.createElement('p'), shape: '' }
  r.element.className = 'call'
  r.element.append(r.line, r.system, r.acts)
  return r
}

async function look() {
  const calls = await fetch('/telephone/calls').then((a) => a.json(), () => [])
  if (!calls.length) box.textContent = 'Дзвінків ще не було.'
  else if (!rows.size) box.textContent = ''
  for (const c of calls.reverse()) {
    let r = rows.get(c.id)
    if (!r) {
      rows.set(c.id, (r = row(c)))
      box.prepend(r.element)
    }
    r.line.textContent = (c.to_him ? 'Магазин → ' : '') + c.name + (c.to_him ? '' : ' → магазин') + ' · ' + states[c.state] + (c.cause && c.state === 'over' ? ' (' + c.cause + ')' : '') + (c.keys ? ' · натиснуто ' + c.keys : '')
    const system = c.system || (c.said && c.state === 'talking' ? '«' + c.said + '»' : '')
    if (r.system.textContent !== system) r.system.textContent = system
    const shape = c.state + c.to_him
    if (shape === r.shape) continue
    r.shape = shape
    r.acts.textContent = ''
    if (c.state === 'over') continue
    if (c.to_him && c.state === 'ringing') r.acts.append(button('Відповісти', `/telephone/${c.id}/answer`, true))
    if (c.state === 'talking') {
      const audio = document.createElement('audio')
      audio.src = `/telephone/listen/${c.id}`
      audio.controls = true
      audio.preload = 'none'
      audio.setAttribute('aria-label', 'Що чує ' + c.name)
      r.acts.append(button('Натиснути 1', `/telephone/${c.id}/1`), audio)
    }
    r.acts.append(button('Покласти слухавку', `/telephone/${c.id}/hangup`))
  }
}

setInterval(look, 1000)
look()
