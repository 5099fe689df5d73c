// A small file system that can be filled.
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

const PIECE = Buffer.alloc(4096);

export const mayMount = () => process.getuid() === 0;

export class Disk {
  constructor(dir, megabytes) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0755`, "bana-chaos", dir]);
  }

  // To the last page.
  fill() {
    const file = openSync(join(this.dir, "filler"), "a");
    try {
      for (;;) writeSync(file, PIECE);
    } catch (error) {
      if (error.code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  free() {
    rmSync(join(this.dir, "filler"), { force: true });
  }

  remove() {
    execFileSync("umount", [this.dir]);
    rmdirSync(this.dir);
  }
}
