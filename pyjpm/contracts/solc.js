#!/usr/bin/env node
// A stand-in for the native `solc` executable around npm's solc, for machines that have none.
//
// It speaks as much of solc's command line as py-solc-x, brownie, forge, slither and halmos use: --version,
// --standard-json and --combined-json. An option it does not know ends it with an error, never with other output.
// The compiler is the npm package in $SOLCJS_DIR, else in the nearest node_modules/ above this file or the working folder.
// --allow-paths is accepted and not enforced: it narrows what the native compiler may read, not what it produces.
"use strict";

const fs = require("fs");
const path = require("path");

// solc's names for outputs of --combined-json, each with the selector of standard JSON and where its value stands.
const OUTPUTS = {
  abi: { select: "abi", read: (contract) => contract.abi },
  bin: { select: "evm.bytecode.object", read: (contract) => contract.evm?.bytecode?.object },
  "bin-runtime": { select: "evm.deployedBytecode.object", read: (contract) => contract.evm?.deployedBytecode?.object },
  srcmap: { select: "evm.bytecode.sourceMap", read: (contract) => contract.evm?.bytecode?.sourceMap },
  "srcmap-runtime": {
    select: "evm.deployedBytecode.sourceMap",
    read: (contract) => contract.evm?.deployedBytecode?.sourceMap,
  },
  hashes: { select: "evm.methodIdentifiers", read: (contract) => contract.evm?.methodIdentifiers },
  userdoc: { select: "userdoc", read: (contract) => contract.userdoc },
  devdoc: { select: "devdoc", read: (contract) => contract.devdoc },
  metadata: { select: "metadata", read: (contract) => contract.metadata },
  "storage-layout": { select: "storageLayout", read: (contract) => contract.storageLayout },
  ast: null, // belongs to sources, and is always given
};

function fail(message) {
  write(2, `${message}\n`);
  process.exit(1);
}

// A pipe whose reader is slow answers EAGAIN: the rest is offered again.
function write(descriptor, text) {
  const bytes = Buffer.from(text);
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += fs.writeSync(descriptor, bytes, offset);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function read(file) {
  return fs.readFileSync(file === "-" ? 0 : file, "utf8");
}

// Emscripten's soljson asks the table of functions anew at each call through it, at 0.8.37 a sixth of its time: what
// was answered once is kept until the table changes.
function keepTableEntries() {
  const table = WebAssembly.Table.prototype;
  const { get, set, grow } = table;
  const kept = new WeakMap();
  table.get = function (index) {
    let entries = kept.get(this);
    if (!entries) kept.set(this, (entries = []));
    return (entries[index] ??= get.call(this, index));
  };
  for (const [name, change] of Object.entries({ set, grow })) {
    table[name] = function (...values) {
      kept.delete(this);
      return change.apply(this, values);
    };
  }
}

function loadCompiler() {
  const searched = [__dirname, process.cwd()].flatMap(require("module")._nodeModulePaths);
  const folder = process.env.SOLCJS_DIR || searched.map((d) => path.join(d, "solc")).find((d) => fs.existsSync(d));
  if (!folder) fail("npm's solc is not installed: run `make setup`, or set SOLCJS_DIR to its folder");
  keepTableEntries();
  const compiler = require(path.resolve(folder));
  process.removeAllListeners("uncaughtException"); // soljson swallows errors of everybody else
  return compiler;
}

function parse(argv) {
  const request = { files: [], roots: [], outputs: null, standardJson: false, version: false };
  const settings = { optimizer: {}, remappings: [] };
  const rest = [...argv];
  const value = (option) => (rest.length ? rest.shift() : fail(`option '${option}' needs a value`));
  const options = {
    "--version": () => (request.version = true),
    "--standard-json": () => (request.standardJson = true),
    "--combined-json": (option) => (request.outputs = value(option).split(",")),
    "--base-path": (option) => request.roots.unshift(value(option)),
    "--include-path": (option) => request.roots.push(value(option)),
    "--allow-paths": (option) => value(option),
    "--optimize": () => (settings.optimizer.enabled = true),
    "--optimize-runs": (option) => (settings.optimizer = { enabled: true, runs: Number(value(option)) }),
    "--evm-version": (option) => (settings.evmVersion = value(option)),
    "--via-ir": () => (settings.viaIR = true),
  };
  while (rest.length) {
    const argument = rest.shift();
    if (options[argument]) options[argument](argument);
    else if (argument !== "-" && argument.startsWith("-")) fail(`unrecognised option '${argument}'`);
    else if (argument.includes("=")) settings.remappings.push(argument);
    else request.files.push(argument);
  }
  if (!request.roots.length) request.roots.push("");
  return { ...request, settings };
}

function importer(roots) {
  return {
    import(name) {
      const file = roots.map((root) => path.resolve(root, name)).find((candidate) => fs.existsSync(candidate));
      return file ? { contents: fs.readFileSync(file, "utf8") } : { error: `File not found: ${name}` };
    },
  };
}

function combinedJson(compiler, request) {
  const unknown = request.outputs.filter((name) => !(name in OUTPUTS));
  if (unknown.length) fail(`unsupported output: ${unknown.join(", ")}`);
  const wanted = request.outputs.filter((name) => OUTPUTS[name]);
  const selected = wanted.map((name) => OUTPUTS[name].select);
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(request.files.map((f) => [f === "-" ? "<stdin>" : f, { content: read(f) }])),
    settings: { ...request.settings, outputSelection: { "*": { "*": selected, "": ["ast"] } } },
  };
  const output = JSON.parse(compiler.compile(JSON.stringify(input), importer(request.roots)));
  const messages = output.errors || [];
  if (messages.length) write(2, messages.map((m) => `${m.formattedMessage}\n`).join(""));
  if (messages.some((m) => m.severity === "error")) process.exit(1);

  const combined = { contracts: {}, sources: {}, sourceList: [], version: compiler.version() };
  for (const [file, source] of Object.entries(output.sources)) {
    combined.sourceList[source.id] = file;
    combined.sources[file] = { AST: source.ast };
  }
  for (const [file, contracts] of Object.entries(output.contracts || {})) {
    for (const [name, contract] of Object.entries(contracts)) {
      const values = wanted.map((output) => [output, OUTPUTS[output].read(contract)]);
      combined.contracts[`${file}:${name}`] = Object.fromEntries(values);
    }
  }
  return combined;
}

const request = parse(process.argv.slice(2));
if (request.version) {
  write(1, `solc, the solidity compiler commandline interface\nVersion: ${loadCompiler().version()}\n`);
} else if (request.standardJson) {
  write(1, loadCompiler().compile(read(request.files[0] || "-"), importer(request.roots)));
} else if (request.outputs) {
  write(1, JSON.stringify(combinedJson(loadCompiler(), request)));
} else {
  fail("expected --version, --standard-json or --combined-json");
}
process.exit(0);
