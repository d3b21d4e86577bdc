package org.userload.linux;

import java.nio.ByteBuffer;

/** Raw host memory: addresses of direct buffers and copies between addresses. Nothing here checks an address. */
public final class NativeMemory {
    private NativeMemory() {}

    /** Host address of byte 0 of a direct buffer. Keep the buffer reachable while the address is used. */
    public static long addressOf(ByteBuffer direct) {
        return NativeBuffers.address(direct);
    }

    /** Copies {@code length} bytes between ranges that do not overlap, in native code. */
    public static void copy(long target, long source, long length) {
        LibC.C.memcpy(target, source, length);
    }

    /** Zeroes {@code length} bytes, in native code. */
    public static void zero(long target, long length) {
        LibC.C.memset(target, 0, length);
    }
}
