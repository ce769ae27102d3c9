// The parts of a CUDA device that builds of torch without CUDA lack, so that fake tensors can be on one: a device guard,
// hooks and random generators. Autograd starts its thread for the device by the guard's count of devices. Nothing here
// computes: fake tensors call no kernel, and the generators draw no number.
#include <ATen/core/Generator.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/empty.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace {

using c10::DeviceIndex;
using c10::DeviceType;

const c10::Device DEVICE(DeviceType::CUDA, 0);

struct FakeGuard final : c10::impl::NoOpDeviceGuardImpl<DeviceType::CUDA> {
  DeviceIndex deviceCount() const noexcept override { return 1; }
  c10::Device getDevice() const override { return DEVICE; }
  c10::Device exchangeDevice(c10::Device) const override { return DEVICE; }
  c10::Stream getStream(c10::Device) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, DEVICE);
  }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return stream; }
};

struct FakeGenerator final : c10::GeneratorImpl {
  FakeGenerator() : GeneratorImpl(DEVICE, c10::DispatchKeySet(c10::DispatchKey::CUDA)) {}
  uint64_t current_seed() const override { return seed_; }
  uint64_t seed() override { return seed_; }
  void set_current_seed(uint64_t seed) override { seed_ = seed; }
  uint64_t get_offset() const override { return 0; }
  void set_offset(uint64_t) override {}
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override {
    return at::empty({16}, at::kByte).getIntrusivePtr();
  }
  void set_state(const c10::TensorImpl&) override {}
  FakeGenerator* clone_impl() const override { return new FakeGenerator(); }

 private:
  uint64_t seed_ = 0;
};

const c10::impl::DeviceGuardImplRegistrar registered(DeviceType::CUDA, new FakeGuard());

}  // namespace

namespace at {

// torch looks its hooks up by the name "CUDAHooks", the first time that it asks for them.
struct CUDAHooks final : CUDAHooksInterface {
  explicit CUDAHooks(CUDAHooksArgs) {}
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasCUDA() const override { return true; }
  bool hasCUDART() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  int getNumGPUs() const override { return 1; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex current_device() const override { return 0; }
  DeviceIndex getCurrentDevice() const override { return 0; }
  Generator getNewGenerator(DeviceIndex) const override { return make_generator<FakeGenerator>(); }
  const Generator& getDefaultGenerator(DeviceIndex) const override {
    static const Generator generator = make_generator<FakeGenerator>();
    return generator;
  }
};

REGISTER_CUDA_HOOKS(CUDAHooks)

}  // namespace at
