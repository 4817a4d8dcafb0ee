# Compiles src/kernel/isa/*.cpp once per level: -DPOMONA_LEVEL names the namespace, -DPOMONA_LEVEL_ID
# its rank (0 portable, 1 avx2, 2 avx512). Other processors than x86-64 get the portable level alone.
file(GLOB POMONA_KERNEL_SOURCES CONFIGURE_DEPENDS src/kernel/isa/*.cpp)
set(POMONA_KERNEL_OBJECTS)

function(pomona_kernel_level name id)
  if(NOT POMONA_KERNEL_SOURCES)
    return()
  endif()
  add_library(pomona_kernels_${name} OBJECT ${POMONA_KERNEL_SOURCES})
  target_link_libraries(pomona_kernels_${name} PRIVATE pomona_flags)
  target_compile_definitions(pomona_kernels_${name} PRIVATE POMONA_LEVEL=${name} POMONA_LEVEL_ID=${id})
  # Kernels are fast in every build type: an unoptimised kernel makes debug tests unbearable.
  target_compile_options(pomona_kernels_${name} PRIVATE -O3 -fno-exceptions -fno-rtti -ffp-contract=off
                         -fvisibility=hidden -Wno-psabi ${ARGN})
  list(APPEND POMONA_KERNEL_OBJECTS $<TARGET_OBJECTS:pomona_kernels_${name}>)
  set(POMONA_KERNEL_OBJECTS ${POMONA_KERNEL_OBJECTS} PARENT_SCOPE)
endfunction()

pomona_kernel_level(portable 0)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  pomona_kernel_level(avx2 1 -mavx2 -mfma -mf16c -mbmi -mbmi2 -mlzcnt)
  # The two warnings are false ones from the compiler's own intrinsics headers (g++ 12).
  pomona_kernel_level(avx512 2 -mavx2 -mfma -mf16c -mbmi -mbmi2 -mlzcnt -mavx512f -mavx512bw
                      -mavx512dq -mavx512vl -mavx512vnni -mavx512bf16 -mprefer-vector-width=512
                      -Wno-uninitialized $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
