// Plain CommonJS and old syntax on purpose: it has to run, and say something useful, on any Node and any system.
var found = process.versions.node.split('.').map(Number);
var wrong =
  process.platform !== 'linux'
    ? 'this runs on Linux only, found ' +
      process.platform +
      '. Run it in a Linux virtual machine or container: docker run -it --rm --network host -v "$PWD":/cks -w /cks node:20 sh -c "npm ci && npm start"'
    : found[0] < 20 || (found[0] === 20 && found[1] < 3)
      ? 'Node 20.3 or newer is needed, found ' +
        process.versions.node +
        '. Install a newer one (package nodejs of your system, or https://nodejs.org) and run the same command again'
      : '';
if (wrong) {
  console.error('cks: ' + wrong);
  process.exit(1);
}
