package org.userload.linux;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;

/** Addresses of direct buffers. */
final class NativeBuffers {
    private NativeBuffers() {}

    /** A direct buffer over memory at an address; it does not keep the memory. */
    static ByteBuffer at(long address, int bytes) {
        return MemoryIO.getInstance().newDirectByteBuffer(address, bytes);
    }

    /** Host address of byte 0 of a direct buffer. Keep the buffer reachable while the address is used. */
    static long address(ByteBuffer direct) {
        return MemoryIO.getInstance().getDirectBufferAddress(direct);
    }
}
