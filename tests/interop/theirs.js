/*
 * The other side: tuf-js, a TUF client and library that nobody here wrote.
 *
 *   node theirs.js download METADATA_URL TARGETS_URL ROOT.json TARGET DIR    the client workflow, from that root on
 *   node theirs.js publish DIR KEYTYPE CONTENT                               a repository: DIR/metadata, DIR/targets/a/b.txt
 */
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { Updater } = require('tuf-js');
const models = require('@tufjs/models');
const { Role } = require(path.join(path.dirname(require.resolve('@tufjs/models')), 'role.js'));
const { canonicalize } = require('@tufjs/canonical-json');

async function download(metadataUrl, targetsUrl, root, name, dir) {
  const metadataDir = path.join(dir, 'metadata');
  fs.mkdirSync(metadataDir, { recursive: true });
  fs.copyFileSync(root, path.join(metadataDir, 'root.json'));
  const updater = new Updater({
    metadataDir, metadataBaseUrl: metadataUrl, targetDir: dir, targetBaseUrl: targetsUrl,
  });
  await updater.refresh();
  const info = await updater.getTargetInfo(name);
  if (!info) throw new Error(`no target ${name}`);
  console.log(await updater.downloadTarget(info));
}

const KEYS = {
  ed25519: { options: [], scheme: 'ed25519', hash: null },
  ecdsa: { options: [{ namedCurve: 'P-256' }], scheme: 'ecdsa-sha2-nistp256', hash: 'sha256' },
  rsa: { options: [{ modulusLength: 2048 }], scheme: 'rsassa-pss-sha256', hash: 'sha256' },
};

/* As securesystemslib has them: raw hexadecimal for ed25519, PEM for the others. */
function publicValue(type, key) {
  if (type !== 'ed25519') return key.export({ type: 'spki', format: 'pem' });
  return Buffer.from(key.export({ format: 'jwk' }).x, 'base64url').toString('hex');
}

function makeKey(type) {
  const kind = KEYS[type];
  const pair = crypto.generateKeyPairSync(type === 'ecdsa' ? 'ec' : type, ...kind.options);
  const value = { keytype: type, scheme: kind.scheme,
    keyval: { public: publicValue(type, pair.publicKey) } };
  const keyID = crypto.createHash('sha256').update(canonicalize(value)).digest('hex');
  const secret = type !== 'rsa' ? pair.privateKey : { key: pair.privateKey,
    padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const sign = (data) => new models.Signature({ keyID,
    sig: crypto.sign(kind.hash, data, secret).toString('hex') });
  return { sign, key: new models.Key({ keyID, keyType: type, scheme: kind.scheme,
    keyVal: value.keyval }) };
}

function write(dir, name, signed, key) {
  const metadata = new models.Metadata(signed);
  metadata.sign((data) => key.sign(data));
  fs.writeFileSync(path.join(dir, name), JSON.stringify(metadata.toJSON(), null, 1));
}

function addTarget(dir, targets, content) {
  const hash = crypto.createHash('sha256').update(content).digest('hex');
  fs.mkdirSync(path.join(dir, 'targets', 'a'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'targets', 'a', `${hash}.b.txt`), content);
  targets.addTarget(new models.TargetFile({ path: 'a/b.txt', length: Buffer.byteLength(content),
    hashes: { sha256: hash } }));
}

function publish(dir, type, content) {
  const common = { version: 1, specVersion: '1.0.31',
    expires: new Date(Date.now() + 86400e3).toISOString().replace(/\.\d+Z/, 'Z') };
  const metadata = path.join(dir, 'metadata');
  const key = makeKey(type);
  const online = makeKey(type);
  const roles = {};
  for (const role of ['root', 'timestamp', 'snapshot', 'targets'])
    roles[role] = new Role({ keyIDs: [], threshold: 1 });
  const root = new models.Root({ ...common, keys: {}, roles, consistentSnapshot: true });
  for (const role of ['root', 'targets']) root.addKey(key.key, role);
  for (const role of ['snapshot', 'timestamp']) root.addKey(online.key, role);
  const targets = new models.Targets(common);
  const meta = () => new models.MetaFile({ version: 1 });
  fs.mkdirSync(metadata, { recursive: true });
  addTarget(dir, targets, content);
  write(metadata, '1.root.json', root, key);
  write(metadata, '1.targets.json', targets, key);
  write(metadata, '1.snapshot.json',
    new models.Snapshot({ ...common, meta: { 'targets.json': meta() } }), online);
  write(metadata, 'timestamp.json',
    new models.Timestamp({ ...common, snapshotMeta: meta() }), online);
}

const [verb, ...operands] = process.argv.slice(2);
Promise.resolve().then(() => ({ download, publish })[verb](...operands)).catch((e) => {
  console.error(`${e.name}: ${e.message}`);
  process.exit(1);
});
