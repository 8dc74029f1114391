// Stands for a machine: answers its name on each of its ports over HTTP or HTTPS, `/big` with 300 kB, `/from` with who asks.
// usage: node answering.cjs '{"name":"a","ports":[22],"tls":[{"port":6443,"key":"PEM","cert":"PEM"}]}'
const http = require('node:http');
const https = require('node:https');

const { name, ports = [], tls = [] } = JSON.parse(process.argv[2]);
const answer = (request, response) => {
  if (request.url === '/big') response.end(name[0].repeat(300_000));
  else response.end(request.url === '/from' ? request.socket.remoteAddress.replace('::ffff:', '') : name);
};
const servers = [
  ...ports.map((port) => http.createServer(answer).listen(port)),
  ...tls.map(({ port, key, cert }) => https.createServer({ key, cert }, answer).listen(port)),
];
Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve)))).then(() =>
  process.stdout.write('listening\n'),
);
