// Start the GitHub server of `emulate` on loopback: by itself it listens on all interfaces.
import net from "node:net";

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, "127.0.0.1", ...rest.filter((given) => typeof given === "function"));
};

const [port, baseUrl, seed] = process.argv.slice(2);
const { createEmulator } = await import("emulate");
await createEmulator({ service: "github", port: Number(port), baseUrl, seed: JSON.parse(seed) });
