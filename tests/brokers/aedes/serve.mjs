// A broker in memory on loopback: node serve.mjs PORT
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const broker = Aedes.createBroker ? await Aedes.createBroker() : new Aedes()
createServer(broker.handle).listen(Number(process.argv[2]), '127.0.0.1')
