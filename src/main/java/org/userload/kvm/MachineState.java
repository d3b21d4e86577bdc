package org.userload.kvm;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What a machine has besides memory, as bytes (little-endian):
 *
 * <pre>
 *   magic u32 | version u16 | CPUs u16 | features: length u32, struct kvm_cpuid2 | for each CPU: see VcpuState
 * </pre>
 *
 * @param features those that the guest sees
 */
record MachineState(CpuFeatures features, List<VcpuState> cpus) {
    private static final int MAGIC = 0x4D56_4C55; // "ULVM"
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 12;

    byte[] toBytes() {
        int bytes = HEADER_BYTES
                + features.bytes()
                + cpus.stream().mapToInt(VcpuState::bytes).sum();
        ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(MAGIC).putShort((short) VERSION).putShort((short) cpus.size());
        out.putInt(features.bytes()).put(features.cpuid());
        cpus.forEach(cpu -> cpu.write(out));
        return out.array();
    }

    /** @throws IllegalArgumentException says what is wrong */
    static MachineState of(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        try {
            if (in.getInt() != MAGIC) {
                throw new IllegalArgumentException("this is no state of a virtual machine");
            }
            int version = in.getShort();
            if (version != VERSION) {
                throw new IllegalArgumentException("a machine state of version " + version + ", not " + VERSION);
            }
            int count = in.getShort();
            int length = in.getInt();
            if (count < 1 || count > VirtualMachine.MOST_CPUS || length < 0 || length > in.remaining()) {
                throw new IllegalArgumentException(
                        "a machine state with " + count + " CPUs and features of " + length + " bytes");
            }
            byte[] cpuid = new byte[length];
            in.get(cpuid);
            List<VcpuState> cpus = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                cpus.add(VcpuState.read(in));
            }
            if (in.hasRemaining()) {
                throw new IllegalArgumentException(in.remaining() + " bytes behind the last CPU of a machine state");
            }
            return new MachineState(new CpuFeatures(cpuid), cpus);
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException("a machine state that is cut off after " + bytes.length + " bytes", e);
        }
    }
}
