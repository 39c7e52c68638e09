// What ethers, as it is published, reads through /rpc. Arguments: directory with node_modules, URL, API key, questions
// as JSON: {contract, abi, key, slot, fromBlock}. Prints what it read as JSON; any disagreement ends with an error.
import { createRequire } from "node:module";
import { join } from "node:path";

const [directory, url, apiKey, asked] = process.argv.slice(2);
const { ethers } = createRequire(join(directory, "package.json"))("ethers");
const { contract: address, abi, key, slot, fromBlock } = JSON.parse(asked);

const request = new ethers.FetchRequest(url);
if (apiKey) request.setHeader("authorization", `Bearer ${apiKey}`);
const provider = new ethers.JsonRpcProvider(request);

function agree(one, other, what) {
  if (one !== other) throw new Error(`${what}: ${one} is not ${other}`);
}

/** Value under `key` of a trie with `root`, from the nodes of a proof; null when they prove that there is none. */
function proven(root, key, proof) {
  const nibbles = ethers.keccak256(key).slice(2);
  let at = 0;
  let wanted = root;
  for (const node of proof) {
    agree(ethers.keccak256(node), wanted, "hash of a proof's node");
    let item = ethers.decodeRlp(node);
    for (;;) {
      if (item.length === 17) {
        const next = at === nibbles.length ? item[16] : item[parseInt(nibbles[at++], 16)];
        if (next === "0x") return null;
        if (at > nibbles.length) return next;
        if (Array.isArray(next)) { item = next; continue; }
        wanted = next;
        break;
      }
      const path = item[0].slice(2);
      const odd = parseInt(path[0], 16) & 1;
      const leaf = parseInt(path[0], 16) & 2;
      const rest = path.slice(odd ? 1 : 2);
      if (!nibbles.startsWith(rest, at)) return null;
      at += rest.length;
      if (leaf) return at === nibbles.length ? item[1] : null;
      if (Array.isArray(item[1])) { item = item[1]; continue; }
      wanted = item[1];
      break;
    }
  }
  throw new Error("the proof ends before its key");
}

function proveStorage(proof, stateRoot) {
  const account = ethers.decodeRlp(proven(stateRoot, proof.address, proof.accountProof));
  agree(account[2], proof.storageHash, "storage root of the account");
  agree(account[3], proof.codeHash, "code hash of the account");
  const [{ key: provenKey, value, proof: nodes }] = proof.storageProof;
  const found = proven(proof.storageHash, ethers.zeroPadValue(provenKey, 32), nodes);
  const word = found === null ? 0n : BigInt(ethers.decodeRlp(found));
  agree(word, BigInt(value), "word of the proof");
  return word;
}

const network = await provider.getNetwork();
const number = await provider.getBlockNumber();
const block = await provider.getBlock(number, true);
const [transaction] = block.prefetchedTransactions;
const receipt = await provider.getTransactionReceipt(transaction.hash);
const logs = await provider.getLogs({ address, fromBlock, toBlock: number });
const reader = new ethers.Contract(address, abi, provider);
const words = await reader.words(key, { blockTag: number });
const parsed = logs.map((log) => reader.interface.parseLog(log).name);
const stored = await provider.getStorage(address, slot, number);
const raw = await provider.send("eth_getProof", [address, [slot], ethers.toQuantity(number)]);
const word = proveStorage(raw, block.stateRoot);
agree(word, words, "proven word and called one");
agree(BigInt(stored), words, "stored word and called one");
agree(receipt.blockHash, block.hash, "block of the receipt");
agree(transaction.from, receipt.from, "sender");

const forged = structuredClone(raw);
forged.storageProof[0].value = ethers.toQuantity(word + 1n);
let refused = false;
try { proveStorage(forged, block.stateRoot); } catch { refused = true; }

let revert = null;
try {
  await provider.call({ to: address, data: "0xffffffff" });
} catch (error) {
  revert = error.code;
}
let unknown = null;
try {
  await provider.send("eth_sendTransaction", [{}]);
} catch (error) {
  unknown = error.error?.code ?? error.code;
}

console.log(JSON.stringify({
  chainId: network.chainId.toString(), number, hash: block.hash, stateRoot: block.stateRoot,
  transactionHash: transaction.hash, status: receipt.status, receiptLogs: receipt.logs.length,
  logs: logs.length, events: [...new Set(parsed)].sort(), words: words.toString(), refused, revert, unknown,
  missing: await provider.getBlock(number + 1_000_000),
}));
provider.destroy();
