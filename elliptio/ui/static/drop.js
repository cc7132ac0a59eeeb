/* SHA-256 of a file, as it is recorded: piece by piece, as Web Crypto takes only what is in memory as a whole. */
const PIECE = 4 << 20;
const fraction = (number) => ((number - Math.floor(number)) * 2 ** 32) | 0;
const primes = [];
for (let number = 2; primes.length < 64; number += 1) if (primes.every((one) => number % one)) primes.push(number);
const K = Int32Array.from(primes, (one) => fraction(Math.cbrt(one)));
const START = Int32Array.from(primes.slice(0, 8), (one) => fraction(Math.sqrt(one)));

/* Take whole blocks of 64 bytes into a state. */
const take = (state, bytes) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const w = new Int32Array(64);
  for (let at = 0; at + 64 <= bytes.length; at += 64) {
    for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i += 1) {
      const p = w[i - 15], q = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + ((p >>> 7 | p << 25) ^ (p >>> 18 | p << 14) ^ p >>> 3) + ((q >>> 17 | q << 15) ^ (q >>> 19 | q << 13) ^ q >>> 10);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i += 1) {
      const x = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[i] + w[i] | 0;
      const y = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + x | 0; d = c; c = b; b = a; a = x + y | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }
};

export const sha256 = async (file, tell) => {
  const state = START.slice();
  let at = 0;
  for (; at + PIECE <= file.size; at += PIECE) {
    take(state, new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
    tell(at + PIECE);
  }
  const rest = new Uint8Array(await file.slice(at).arrayBuffer());
  if (at + rest.length !== file.size) throw new Error("it changed while it was read");
  const last = new Uint8Array(Math.ceil((rest.length + 9) / 64) * 64);
  last.set(rest);
  last[rest.length] = 128;
  new DataView(last.buffer).setBigUint64(last.length - 8, BigInt(file.size) * 8n);
  take(state, last);
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
};
