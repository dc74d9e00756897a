"""Classic metrics of vqa-harness: NIQE, BRISQUE, PSNR, SSIM, VMAF and their like."""
