// A wallet of ethers, as it is published, signs typed data. Argument: directory with node_modules; on standard input
// JSON {key, typed_data}. Prints {address, digest, signature}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { ethers } = createRequire(join(process.argv[2], "package.json"))("ethers");
const { key, typed_data: typed } = JSON.parse(readFileSync(0, "utf8"));
const { EIP712Domain, ...types } = typed.types; // ethers adds the domain's type itself
const wallet = new ethers.Wallet(key);
const digest = ethers.TypedDataEncoder.hash(typed.domain, types, typed.message);
const signature = await wallet.signTypedData(typed.domain, types, typed.message);
console.log(JSON.stringify({ address: wallet.address, digest, signature }));
