package org.userload.kvm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.userload.linux.KvmState;
import org.userload.linux.KvmVcpu;

/**
 * All of a virtual CPU: its parts, and its model specific registers.
 *
 * @param msrs values of those that could be read, by index
 */
record VcpuState(Map<KvmState, byte[]> parts, Map<Integer, Long> msrs) {
    private static final int BYTES_OF_PARTS =
            Arrays.stream(KvmState.values()).mapToInt(KvmState::bytes).sum();
    private static final int BYTES_OF_MSR = Integer.BYTES + Long.BYTES;

    /** A CPU that is not running; of the model specific registers those that it has. */
    static VcpuState of(KvmVcpu vcpu, int[] indexes) {
        Map<KvmState, byte[]> parts = new EnumMap<>(KvmState.class);
        for (KvmState part : KvmState.values()) {
            parts.put(part, vcpu.get(part));
        }
        Map<Integer, Long> msrs = new LinkedHashMap<>();
        for (int index : indexes) {
            long[] value = vcpu.msrs(new int[] {index});
            if (value.length == 1) {
                msrs.put(index, value[0]);
            }
        }
        return new VcpuState(parts, msrs);
    }

    /** @throws IllegalStateException names a register that the CPU does not take */
    void restore(KvmVcpu vcpu) {
        parts.forEach(vcpu::set);
        msrs.forEach((index, value) -> {
            int[] one = {index};
            if (vcpu.setMsrs(one, new long[] {value}) != 1 && !Arrays.equals(vcpu.msrs(one), new long[] {value})) {
                throw new IllegalStateException(String.format(
                        "this host does not take 0x%x for the model specific register 0x%x", value, index));
            }
        });
    }

    int bytes() {
        return BYTES_OF_PARTS + Integer.BYTES + msrs.size() * BYTES_OF_MSR;
    }

    void write(ByteBuffer to) {
        parts.values().forEach(to::put);
        to.putInt(msrs.size());
        msrs.forEach((index, value) -> to.putInt(index).putLong(value));
    }

    /** @throws java.nio.BufferUnderflowException when it is cut off */
    static VcpuState read(ByteBuffer from) {
        Map<KvmState, byte[]> parts = new EnumMap<>(KvmState.class);
        for (KvmState part : KvmState.values()) {
            byte[] bytes = new byte[part.bytes()];
            from.get(bytes);
            parts.put(part, bytes);
        }
        int count = from.getInt();
        if (count < 0 || count > from.remaining() / BYTES_OF_MSR) {
            throw new IllegalArgumentException("a CPU state with " + count + " model specific registers");
        }
        Map<Integer, Long> msrs = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            msrs.put(from.getInt(), from.getLong());
        }
        return new VcpuState(parts, msrs);
    }

    /** General registers, for people. */
    static String registers(KvmVcpu vcpu) {
        String[] names = {
            "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
            "r15", "rip", "rflags"
        };
        ByteBuffer registers = ByteBuffer.wrap(vcpu.get(KvmState.REGISTERS)).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < names.length; i++) {
            text.append(String.format(
                    "%s%s=%016x", i == 0 ? "" : i % 4 == 0 ? "\n" : " ", names[i], registers.getLong(i * 8)));
        }
        return text.toString();
    }
}
