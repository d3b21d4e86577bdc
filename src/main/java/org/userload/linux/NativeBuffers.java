package org.userload.linux;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;

/** Addresses of direct buffers. */
final class NativeBuffers {
    private NativeBuffers() {}

    /** Host address of byte 0 of a direct buffer. Keep the buffer reachable while the address is used. */
    static long address(ByteBuffer direct) {
        return MemoryIO.getInstance().getDirectBufferAddress(direct);
    }
}
