// Stands for a machine: answers its name on each of its ports over HTTP or HTTPS, `/big` with 300 kB, `/from` with who asks.
// `spread`: it is a balancer, which gives connections at that port to these addresses in turn.
// usage: node answering.cjs '{"name":"a","ports":[22],"tls":[{"port":6443,"key":"PEM","cert":"PEM"}],"spread":{"port":6443,"to":["10.1.1.10"]}}'
const net = require('node:net');
const http = require('node:http');
const https = require('node:https');

const { name, ports = [], tls = [], spread } = JSON.parse(process.argv[2]);
const answer = (request, response) => {
  if (request.url === '/big') response.end(name[0].repeat(300_000));
  else response.end(request.url === '/from' ? request.socket.remoteAddress.replace('::ffff:', '') : name);
};
const servers = [
  ...ports.map((port) => http.createServer(answer).listen(port)),
  ...tls.map(({ port, key, cert }) => https.createServer({ key, cert }, answer).listen(port)),
];
if (spread) {
  let turn = 0;
  const balance = (socket) => {
    const member = net.connect(spread.port, spread.to[turn++ % spread.to.length]);
    const end = () => [socket, member].forEach((each) => each.destroy());
    socket.on('error', end).pipe(member).on('error', end).pipe(socket);
  };
  servers.push(net.createServer(balance).listen(spread.port));
}
Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve)))).then(() =>
  process.stdout.write('listening\n'),
);
