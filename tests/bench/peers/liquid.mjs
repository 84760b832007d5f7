// npm liquidjs on the templates of a folder: the same lines as liquid_bench.c prints.
import fs from 'node:fs'
import { Liquid } from 'liquidjs'

const folder = process.argv[2]
const read = name => fs.readFileSync(`${folder}/${name}`, 'utf8')
const seconds = () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6

// The best of five stretches of a fifth of a second, after one to warm up.
function rate (work) {
  let best = 0
  for (let stretch = 0; stretch < 6; stretch++) {
    const start = seconds()
    let count = 0
    let step = 1
    let took = 0
    while (took < 0.2) {
      for (let i = 0; i < step; i++) work()
      count += step
      step *= 2
      took = seconds() - start
    }
    if (stretch) best = Math.max(best, count / took)
  }
  return best
}

for (const name of ['sms', 'email', 'big']) {
  const engine = new Liquid()
  const source = read(`${name}.liquid`)
  const data = JSON.parse(read(`${name}.json`))
  const template = engine.parse(source)
  if (engine.renderSync(template, data) !== read(`${name}.out`)) console.log(`${name}: the text is not the one wanted`)
  const renders = rate(() => engine.renderSync(template, data))
  console.log(`${name}_render/s=${renders.toFixed(0)} ${name}_compile_us=${(1e6 / rate(() => engine.parse(source))).toFixed(3)}`)
}
